#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static enum nl_status
stat_regular(struct nl_file *file)
{
    struct stat found;
    if (fstat(file->fd, &found) < 0) {
        return nl_os_error(&file->fault, errno);
    }
    if (!S_ISREG(found.st_mode)) {
        return nl_os_error(&file->fault, S_ISDIR(found.st_mode) ? EISDIR : EINVAL);
    }
    file->signature = nl_signature_of(&found);
    return NL_OK;
}

/* O_NONBLOCK: opening a FIFO or a device must not wait; a regular file ignores it */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

#ifndef SYS_openat2
#define SYS_openat2 437 /* on every machine */
#endif

/* openat2(2) with RESOLVE_IN_ROOT, which libc has no function for. */
static int
open_below(int root, const char *path, uint64_t flags)
{
    struct {
        uint64_t flags, mode, resolve;
    } how = {.flags = flags, .resolve = 0x10};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static enum nl_status
opened(struct nl_file *file, int fd)
{
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

enum nl_status
nl_file_open(struct nl_file *file, int directory, const char *path)
{
    return opened(file, openat(directory, path, OPEN_FLAGS));
}

enum nl_status
nl_file_open_in(struct nl_file *file, int root, const char *path)
{
    return root < 0 ? nl_file_open(file, AT_FDCWD, path) : opened(file, open_below(root, path, OPEN_FLAGS));
}

/* stat(2), below a directory. */
static bool
state_of(int root, const char *path, struct stat *found)
{
    if (root < 0) {
        return stat(path, found) == 0;
    }
    int fd = open_below(root, path, O_PATH | O_CLOEXEC);
    bool there = fd >= 0 && fstat(fd, found) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return there;
}

bool
nl_file_exists(int root, const char *path)
{
    struct stat found;
    return state_of(root, path, &found);
}

bool
nl_file_is_directory(int root, const char *path)
{
    struct stat found;
    return state_of(root, path, &found) && S_ISDIR(found.st_mode);
}

bool
nl_file_is_setuid(int root, const char *path)
{
    struct stat found;
    return state_of(root, path, &found) && (found.st_mode & S_ISUID);
}

/* The path of an open file; "" where there is none. */
static void
path_of(int fd, char path[NL_MOST_LINK])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, NL_MOST_LINK - 1);
    path[length < 0 ? 0 : length] = '\0';
}

char *
nl_file_real(int root, const char *path)
{
    char real[NL_MOST_LINK], top[NL_MOST_LINK];
    if (root < 0) {
        return realpath(path, NULL);
    }
    int fd = open_below(root, path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    path_of(fd, real);
    path_of(root, top);
    close(fd);
    size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    return strncmp(real, top, length) == 0 && real[length] == '/' ? strdup(real + length) : NULL;
}

bool
nl_file_unchanged(int root, const char *path, const struct nl_signature *signature)
{
    struct stat found;
    if (!state_of(root, path, &found)) {
        return false;
    }
    struct nl_signature now = nl_signature_of(&found);
    return nl_same_signature(&now, signature);
}

void
nl_file_close(struct nl_file *file)
{
    if (file->fd >= 0) {
        close(file->fd);
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
        ssize_t count = pread(file->fd, to + *got, length - *got, (off_t)(offset + *got));
        if (count == 0) {
            break;
        }
        if (count > 0) {
            *got += (size_t)count;
        } else if (errno != EINTR) {
            return nl_os_error(&file->fault, errno);
        }
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
        ssize_t length = readlink(whole, target, sizeof target - 1);
        target[length < 0 ? 0 : length] = '\0';
        goes_on = put_target(whole, target);
    }
    const char *slash = strrchr(whole, '/');
    strcpy(name, slash == NULL ? whole : slash + 1);
}
