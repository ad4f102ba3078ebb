/* What the core asks of the operating system: os_posix.c, os_windows.c. Paths are in the file system's encoding, which
 * is UTF-8 on Windows. Where something fails, errno says why. */
#ifndef NATIVELOAD_OS_H
#define NATIVELOAD_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_MOST_LINK 4096u /* bytes of a path that a link holds */

/* By which a file is known again, and whether it is as it was. */
struct nl_signature {
    uint64_t dev;
    uint64_t ino;
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
};

enum nl_file_kind { NL_REGULAR, NL_DIRECTORY, NL_SPECIAL };

struct nl_stat {
    struct nl_signature signature;
    enum nl_file_kind kind;
    uint32_t mode;  /* its permissions, */
    uint32_t owner; /* and whose it is; both are 0 on Windows */
};

/* A file to read from: opening never waits, and no child inherits it. Below `root` (-1: anywhere) neither ".." nor a
 * link leads out of it; ENOSYS where that cannot be had. */
int nl_os_open(int root, const char *path);

/* A directory for the `root` of the others; ENOSYS where that cannot be had. */
int nl_os_open_root(const char *directory);

/* nl_os_open of a path whose last part is no link, anywhere. */
int nl_os_open_no_link(const char *path);

void nl_os_close(int fd);

bool nl_os_fstat(int fd, struct nl_stat *state);

bool nl_os_stat(int root, const char *path, struct nl_stat *state);

/* Whether this user alone can have written a file. On Windows what is in a user's profile is that user's. */
bool nl_os_is_own(const struct nl_stat *state);

/* Bytes read, 0 at the end, -1. */
ptrdiff_t nl_os_read(int fd, uint64_t offset, void *to, size_t length);

/* Where a file is, as it is below the root, when all links are followed; NULL where that cannot be told. Free it. */
char *nl_os_real(int root, const char *path);

/* The working directory, NULL where it is gone. Free it. */
char *nl_os_working_directory(void);

/* The target of a link, "" for what is none. */
void nl_os_link(const char *path, char target[NL_MOST_LINK]);

/* A directory that is being listed; NULL where it cannot be. */
struct nl_listing;
struct nl_listing *nl_os_list(const char *directory);

/* The next name, NULL after the last, with errno 0, or where reading fails. */
const char *nl_os_next(struct nl_listing *listing);

/* nl_os_open of a name in it. */
int nl_os_open_listed(struct nl_listing *listing, const char *name);

void nl_os_list_end(struct nl_listing *listing);

#endif
