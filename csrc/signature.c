/* What a path is and what bytes are, as text that tells whether it is still the same. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <string.h>

#include "file.h"

/* A time of stat's as one number. */
static int64_t
nanoseconds(struct timespec time)
{
    /* in unsigned arithmetic: a file system may hold any time stamp at all */
    return (int64_t)((uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec);
}

struct nl_signature
nl_signature_of(const struct stat *found)
{
    return (struct nl_signature){
        .dev = (uint64_t)found->st_dev,
        .ino = (uint64_t)found->st_ino,
        .size = (uint64_t)found->st_size,
        .mtime_ns = nanoseconds(found->st_mtim),
        .ctime_ns = nanoseconds(found->st_ctim),
    };
}

struct nl_signature
nl_state(const char *path)
{
    struct stat found;
    return stat(path, &found) < 0 ? (struct nl_signature){.dev = 0} : nl_signature_of(&found);
}

/* Writes a number and a character after it; returns where the next goes. printf takes longer than stat. */
static char *
put_number(char *at, uint64_t number, char after)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    *at = after;
    return at + 1;
}

static char *
put_time(char *at, int64_t number, char after)
{
    if (number < 0) {
        *at++ = '-';
    }
    return put_number(at, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, after);
}

void
nl_signature_text(const struct nl_signature *state, char text[NL_SIGNATURE])
{
    if (state->ino == 0 && state->dev == 0) { /* no file system has an inode 0 */
        strcpy(text, "-");
        return;
    }
    char *at = put_number(text, state->dev, ' ');
    at = put_number(at, state->ino, ' ');
    at = put_number(at, state->size, ' ');
    at = put_time(at, state->mtime_ns, ' ');
    put_time(at, state->ctime_ns, '\0');
}

void
nl_signature(const char *path, char text[NL_SIGNATURE])
{
    struct nl_signature state = nl_state(path);
    nl_signature_text(&state, text);
}

uint64_t
nl_digest(const unsigned char *bytes, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}
