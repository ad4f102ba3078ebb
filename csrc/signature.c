/* What a path is and what bytes are, as text that tells whether it is still the same. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <string.h>
#include <sys/stat.h>

#include "file.h"

int64_t
nl_nanoseconds(struct timespec time)
{
    /* in unsigned arithmetic: a file system may hold any time stamp at all */
    return (int64_t)((uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec);
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
put_time(char *at, struct timespec time, char after)
{
    int64_t number = nl_nanoseconds(time);
    if (number < 0) {
        *at++ = '-';
    }
    return put_number(at, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, after);
}

void
nl_signature(const char *path, char text[NL_SIGNATURE])
{
    struct stat found;
    if (stat(path, &found) < 0) {
        strcpy(text, "-");
        return;
    }
    char *at = put_number(text, (uint64_t)found.st_dev, ' ');
    at = put_number(at, (uint64_t)found.st_ino, ' ');
    at = put_number(at, (uint64_t)found.st_size, ' ');
    at = put_time(at, found.st_mtim, ' ');
    put_time(at, found.st_ctim, '\0');
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
