/* Bounded reads of one regular file, and the integers in what was read.
 *
 * pread into a few small windows, never mmap: a file that shrinks while it is mapped raises SIGBUS in the
 * process that reads it; here it is a status.
 */
#ifndef NATIVELOAD_FILE_H
#define NATIVELOAD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os.h"
#include "status.h"

#define NL_PAGE 4096u
#define NL_WINDOWS 4u

struct nl_window {
    uint64_t start;
    size_t held; /* bytes read; 0: never filled */
    unsigned char bytes[NL_PAGE];
};

struct nl_file {
    int fd;
    unsigned oldest; /* the window to give up next */
    struct nl_signature signature;
    struct nl_fault fault;
    struct nl_window windows[NL_WINDOWS];
};

/* Opens without ever blocking, below a directory that neither ".." nor a link leads out of (-1: a plain path).
 * NL_OS_ERROR, with EISDIR for a directory and EINVAL for anything else that is not a regular file; with ENOSYS where
 * the system cannot hold a path to a directory (Linux before 5.6). Close whatever the answer. */
enum nl_status nl_file_open_in(struct nl_file *file, int root, const char *path);

/* Whether a file is still the one that had this signature. */
bool nl_file_unchanged(int root, const char *path, const struct nl_signature *signature);

/* Whether anything is at a path. */
bool nl_file_exists(int root, const char *path);

bool nl_file_is_directory(int root, const char *path);

/* Whether a file is set-user-ID. */
bool nl_file_is_setuid(int root, const char *path);

/* Where a file is, as it is below the root, when all links are followed; NULL where that cannot be told. Free it. */
char *nl_file_real(int root, const char *path);

void nl_file_close(struct nl_file *file);

/* Reads exactly `length` bytes, or says that `what` ("the program headers end") is truncated. */
enum nl_status nl_file_read(struct nl_file *file, uint64_t offset, void *to, size_t length, const char *what);

/* Points at the bytes held from `offset` on, at least one, until the next read. */
enum nl_status nl_file_peek(struct nl_file *file, uint64_t offset, const unsigned char **at, size_t *held,
                            const char *what);

/* NL_TRUNCATED unless [offset, offset + length) is inside the file. */
enum nl_status nl_file_check(struct nl_file *file, uint64_t offset, uint64_t length, const char *what);

static inline bool
nl_same_signature(const struct nl_signature *one, const struct nl_signature *other)
{
    return one->dev == other->dev && one->ino == other->ino && one->size == other->size
           && one->mtime_ns == other->mtime_ns && one->ctime_ns == other->ctime_ns;
}

/* A path's present state, all 0 where nothing is there. */
struct nl_signature nl_state(const char *path);

#define NL_SIGNATURE 128 /* five numbers of up to 20 digits, the spaces, the NUL */

/* A state as text: device, inode, size, mtime and ctime in ns; "-" where nothing is there. */
void nl_signature_text(const struct nl_signature *state, char text[NL_SIGNATURE]);

/* A path's present state as text. */
void nl_signature(const char *path, char text[NL_SIGNATURE]);

/* The file name at the end of a chain of symbolic links: what is not a link, or one too many. */
void nl_real_name(const char *path, char name[NL_MOST_LINK]);

/* FNV-1a. */
uint64_t nl_digest(const unsigned char *bytes, size_t length);

static inline uint16_t
nl_u16(const unsigned char *p, bool big)
{
    return (uint16_t)(big ? (unsigned)p[0] << 8 | p[1] : (unsigned)p[1] << 8 | p[0]);
}

static inline uint32_t
nl_u32(const unsigned char *p, bool big)
{
    uint32_t first = nl_u16(p, big), second = nl_u16(p + 2, big);
    return big ? first << 16 | second : second << 16 | first;
}

static inline uint64_t
nl_u64(const unsigned char *p, bool big)
{
    uint64_t first = nl_u32(p, big), second = nl_u32(p + 4, big);
    return big ? first << 32 | second : second << 32 | first;
}

#endif
