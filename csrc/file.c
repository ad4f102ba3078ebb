#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum nl_status
stat_regular(struct nl_file *file)
{
    struct nl_stat found;
    if (!nl_os_fstat(file->fd, &found)) {
        return nl_os_error(&file->fault, errno);
    }
    if (found.kind != NL_REGULAR) {
        return nl_os_error(&file->fault, found.kind == NL_DIRECTORY ? EISDIR : EINVAL);
    }
    file->signature = found.signature;
    return NL_OK;
}

enum nl_status
nl_file_open_in(struct nl_file *file, int root, const char *path)
{
    int fd = nl_os_open(root, path);
    for (unsigned i = 0; i < NL_WINDOWS; i++) {
        file->windows[i].held = 0;
    }
    file->oldest = 0;
    file->fault = (struct nl_fault){.os_errno = 0};
    file->fd = fd;
    if (fd < 0) {
        /* a socket, or a device without its driver, cannot even be opened */
        bool special = errno == ENXIO || errno == ENODEV;
        return nl_os_error(&file->fault, special ? EINVAL : errno);
    }
    return stat_regular(file);
}

bool
nl_file_exists(int root, const char *path)
{
    struct nl_stat found;
    return nl_os_stat(root, path, &found);
}

bool
nl_file_is_directory(int root, const char *path)
{
    struct nl_stat found;
    return nl_os_stat(root, path, &found) && found.kind == NL_DIRECTORY;
}

bool
nl_file_is_setuid(int root, const char *path)
{
    struct nl_stat found;
    return nl_os_stat(root, path, &found) && (found.mode & 04000);
}

char *
nl_file_real(int root, const char *path)
{
    return nl_os_real(root, path);
}

bool
nl_file_unchanged(int root, const char *path, const struct nl_signature *signature)
{
    struct nl_stat found;
    return nl_os_stat(root, path, &found) && nl_same_signature(&found.signature, signature);
}

void
nl_file_close(struct nl_file *file)
{
    if (file->fd >= 0) {
        nl_os_close(file->fd);
    }
    file->fd = -1;
}

enum nl_status
nl_file_check(struct nl_file *file, uint64_t offset, uint64_t length, const char *what)
{
    uint64_t size = file->signature.size;
    if (offset <= size && length <= size - offset) {
        return NL_OK;
    }
    uint64_t end = length > UINT64_MAX - offset ? UINT64_MAX : offset + length;
    return nl_truncated(&file->fault, what, end, size);
}

/* Reads until `length` bytes or the end of the file; what it got is in `got`. */
static enum nl_status
read_at(struct nl_file *file, uint64_t offset, unsigned char *to, size_t length, size_t *got)
{
    *got = 0;
    while (*got < length) {
        ptrdiff_t count = nl_os_read(file->fd, offset + *got, to + *got, length - *got);
        if (count < 0) {
            return nl_os_error(&file->fault, errno);
        }
        if (count == 0) {
            break;
        }
        *got += (size_t)count;
    }
    return NL_OK;
}

static struct nl_window *
window_holding(struct nl_file *file, uint64_t start)
{
    for (unsigned i = 0; i < NL_WINDOWS; i++) {
        struct nl_window *window = &file->windows[i];
        if (window->held > 0 && window->start == start) {
            return window;
        }
    }
    return NULL;
}

enum nl_status
nl_file_peek(struct nl_file *file, uint64_t offset, const unsigned char **at, size_t *held, const char *what)
{
    enum nl_status status = nl_file_check(file, offset, 1, what);
    if (status != NL_OK) {
        return status;
    }
    size_t within = (size_t)(offset % NL_PAGE);
    struct nl_window *window = window_holding(file, offset - within);
    if (window == NULL) {
        uint64_t left = file->signature.size - (offset - within);
        window = &file->windows[file->oldest];
        file->oldest = (file->oldest + 1) % NL_WINDOWS;
        window->start = offset - within;
        window->held = 0;
        status = read_at(file, window->start, window->bytes, left < NL_PAGE ? (size_t)left : NL_PAGE, &window->held);
    }
    if (status == NL_OK && window->held <= within) { /* it shrank since fstat */
        status = nl_truncated(&file->fault, what, offset + 1, window->start + window->held);
    }
    if (status == NL_OK) {
        *at = window->bytes + within;
        *held = window->held - within;
    }
    return status;
}

static enum nl_status
read_directly(struct nl_file *file, uint64_t offset, unsigned char *to, size_t length, const char *what)
{
    size_t got;
    enum nl_status status = read_at(file, offset, to, length, &got);
    if (status == NL_OK && got < length) {
        status = nl_truncated(&file->fault, what, offset + length, offset + got);
    }
    return status;
}

enum nl_status
nl_file_read(struct nl_file *file, uint64_t offset, void *to, size_t length, const char *what)
{
    unsigned char *next = to;
    enum nl_status status = nl_file_check(file, offset, length, what);
    if (status == NL_OK && length > NL_PAGE) {
        return read_directly(file, offset, next, length, what);
    }
    while (status == NL_OK && length > 0) {
        const unsigned char *at;
        size_t held;
        status = nl_file_peek(file, offset, &at, &held, what);
        if (status == NL_OK) {
            size_t count = held < length ? held : length;
            memcpy(next, at, count);
            next += count;
            offset += count;
            length -= count;
        }
    }
    return status;
}

/* Puts a link's target, taken from where the link is, in its place. Returns false where it does not fit. */
static bool
put_target(char *path, const char *target)
{
    char *slash = *target == '/' ? NULL : strrchr(path, '/');
    size_t before = slash == NULL ? 0 : (size_t)(slash + 1 - path), length = strlen(target);
    if (length == 0 || before + length >= NL_MOST_LINK) {
        return false;
    }
    memcpy(path + before, target, length + 1);
    return true;
}

void
nl_real_name(const char *path, char name[NL_MOST_LINK])
{
    char whole[NL_MOST_LINK] = "", target[NL_MOST_LINK];
    bool goes_on = put_target(whole, path);
    for (int links = 0; goes_on && links < 40; links++) { /* as many as the kernel follows */
        nl_os_link(whole, target);
        goes_on = put_target(whole, target);
    }
    const char *slash = strrchr(whole, '/');
    strcpy(name, slash == NULL ? whole : slash + 1);
}
