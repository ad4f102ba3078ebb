/* What a path is and what bytes are, as text that tells whether it is still the same. */
#include <string.h>

#include "file.h"

struct nl_signature
nl_state(const char *path)
{
    struct nl_stat found;
    return nl_os_stat(-1, path, &found) ? found.signature : (struct nl_signature){.dev = 0};
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
