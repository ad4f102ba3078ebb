/* Files that are in memory, in place of fuzz.c's and of file.c: a hundred times as many are read in the same time, and
 * what is read beyond their end is seen. */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file.h"

enum { FILES = 4 };

static struct {
    const uint8_t *bytes;
    size_t size;
} contents[FILES];

void
fuzz_file_fill(struct fuzz_file *file, const uint8_t *bytes, size_t size)
{
    static int used;
    if (file->path[0] == '\0') {
        FUZZ_CHECK(used < FILES);
        file->fd = used++;
        snprintf(file->path, sizeof file->path, "/%d", file->fd);
    }
    contents[file->fd].bytes = bytes;
    contents[file->fd].size = size;
}

enum nl_status
nl_file_open_in(struct nl_file *file, int root, const char *path)
{
    (void)root;
    *file = (struct nl_file){.fd = path[1] - '0'};
    if (path[0] != '/' || file->fd < 0 || file->fd >= FILES || path[2] != '\0') {
        file->fd = -1;
        return nl_os_error(&file->fault, ENOENT);
    }
    file->signature = (struct nl_signature){.ino = (uint64_t)file->fd, .size = contents[file->fd].size};
    return NL_OK;
}

void
nl_file_close(struct nl_file *file)
{
    file->fd = -1;
}

bool
nl_file_unchanged(int root, const char *path, const struct nl_signature *signature)
{
    (void)root, (void)path, (void)signature;
    return true;
}

enum nl_status
nl_file_check(struct nl_file *file, uint64_t offset, uint64_t length, const char *what)
{
    uint64_t size = contents[file->fd].size;
    return offset <= size && length <= size - offset ? NL_OK : nl_truncated(&file->fault, what, offset, size);
}

enum nl_status
nl_file_peek(struct nl_file *file, uint64_t offset, const unsigned char **at, size_t *held, const char *what)
{
    enum nl_status status = nl_file_check(file, offset, 1, what);
    if (status == NL_OK) {
        size_t left = contents[file->fd].size - (size_t)offset, page = NL_PAGE - (size_t)(offset % NL_PAGE);
        *at = contents[file->fd].bytes + offset;
        *held = left < page ? left : page;
    }
    return status;
}

enum nl_status
nl_file_read(struct nl_file *file, uint64_t offset, void *to, size_t length, const char *what)
{
    enum nl_status status = nl_file_check(file, offset, length, what);
    if (status == NL_OK && length > 0) {
        memcpy(to, contents[file->fd].bytes + offset, length);
    }
    return status;
}
