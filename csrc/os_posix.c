#ifndef _WIN32

#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#define _FILE_OFFSET_BITS 64
#include "os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

/* O_NONBLOCK: opening a FIFO or a device must not wait; a regular file ignores it */
enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

#ifdef __linux__

#define SEARCH_ONLY O_PATH

#ifndef SYS_openat2
#define SYS_openat2 437 /* on every machine */
#endif

/* openat2(2) with RESOLVE_IN_ROOT, which libc has no function for; Linux before 5.6 has none either. */
static int
open_below(int root, const char *path, uint64_t flags)
{
    struct {
        uint64_t flags, mode, resolve;
    } how = {.flags = flags, .resolve = 0x10};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* The path of an open file; "" where there is none. */
static void
path_of(int fd, char path[NL_MOST_LINK])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    nl_os_link(link, path);
}

#else

#define SEARCH_ONLY O_RDONLY

static int
open_below(int root, const char *path, uint64_t flags)
{
    (void)root, (void)path, (void)flags;
    errno = ENOSYS;
    return -1;
}

static void
path_of(int fd, char path[NL_MOST_LINK])
{
    if (fcntl(fd, F_GETPATH, path) < 0) {
        *path = '\0';
    }
}

#endif

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

int
nl_os_open(int root, const char *path)
{
    return root < 0 ? open(path, OPEN_FLAGS) : open_below(root, path, OPEN_FLAGS);
}

int
nl_os_open_root(const char *directory)
{
    return open(directory, SEARCH_ONLY | O_DIRECTORY | O_CLOEXEC);
}

int
nl_os_open_no_link(const char *path)
{
    return open(path, OPEN_FLAGS | O_NOFOLLOW);
}

void
nl_os_close(int fd)
{
    close(fd);
}

/* A time of stat's as one number. */
static int64_t
nanoseconds(struct timespec time)
{
    /* in unsigned arithmetic: a file system may hold any time stamp at all */
    return (int64_t)((uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec);
}

static void
take(struct nl_stat *state, const struct stat *found)
{
    *state = (struct nl_stat){
        .signature = {
            .dev = (uint64_t)found->st_dev,
            .ino = (uint64_t)found->st_ino,
            .size = (uint64_t)found->st_size,
            .mtime_ns = nanoseconds(found->st_mtim),
            .ctime_ns = nanoseconds(found->st_ctim),
        },
        .kind = S_ISREG(found->st_mode) ? NL_REGULAR : S_ISDIR(found->st_mode) ? NL_DIRECTORY : NL_SPECIAL,
        .mode = found->st_mode & 07777,
        .owner = (uint32_t)found->st_uid,
    };
}

bool
nl_os_is_own(const struct nl_stat *state)
{
    return (state->mode & 022) == 0 && state->owner == geteuid();
}

char *
nl_os_working_directory(void)
{
    return getcwd(NULL, 0);
}

bool
nl_os_fstat(int fd, struct nl_stat *state)
{
    struct stat found;
    if (fstat(fd, &found) < 0) {
        return false;
    }
    take(state, &found);
    return true;
}

bool
nl_os_stat(int root, const char *path, struct nl_stat *state)
{
    struct stat found;
    if (root < 0) {
        bool there = stat(path, &found) == 0;
        if (there) {
            take(state, &found);
        }
        return there;
    }
    int fd = open_below(root, path, SEARCH_ONLY | O_CLOEXEC);
    bool there = fd >= 0 && nl_os_fstat(fd, state);
    if (fd >= 0) {
        close(fd);
    }
    return there;
}

ptrdiff_t
nl_os_read(int fd, uint64_t offset, void *to, size_t length)
{
    ssize_t count;
    do {
        count = pread(fd, to, length, (off_t)offset);
    } while (count < 0 && errno == EINTR);
    return count;
}

char *
nl_os_real(int root, const char *path)
{
    char real[NL_MOST_LINK], top[NL_MOST_LINK];
    if (root < 0) {
        return realpath(path, NULL);
    }
    int fd = open_below(root, path, SEARCH_ONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    path_of(fd, real);
    path_of(root, top);
    close(fd);
    size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    return strncmp(real, top, length) == 0 && real[length] == '/' ? strdup(real + length) : NULL;
}

void
nl_os_link(const char *path, char target[NL_MOST_LINK])
{
    ssize_t length = readlink(path, target, NL_MOST_LINK - 1);
    target[length < 0 ? 0 : length] = '\0';
}

/* It is the system's own, by another name. */
struct nl_listing *
nl_os_list(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (listing == NULL && fd >= 0) {
        int why = errno;
        close(fd);
        errno = why;
    }
    return (struct nl_listing *)listing;
}

const char *
nl_os_next(struct nl_listing *listing)
{
    errno = 0;
    const struct dirent *entry = readdir((DIR *)listing);
    return entry == NULL ? NULL : entry->d_name;
}

int
nl_os_open_listed(struct nl_listing *listing, const char *name)
{
    return openat(dirfd((DIR *)listing), name, OPEN_FLAGS);
}

void
nl_os_list_end(struct nl_listing *listing)
{
    closedir((DIR *)listing);
}

#else

typedef int nl_os_is_not_posix;

#endif
