#define _GNU_SOURCE
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

void
fuzz_file_fill(struct fuzz_file *file, const uint8_t *bytes, size_t size)
{
    if (file->path[0] == '\0') {
        file->fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    }
    FUZZ_CHECK(file->fd >= 0 && ftruncate(file->fd, (off_t)size) == 0);
    FUZZ_CHECK(pwrite(file->fd, bytes, size, 0) == (ssize_t)size);
}
