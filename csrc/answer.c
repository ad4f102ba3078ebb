#include "answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#define MOST_BYTES (1 << 18) /* a real answer has about 2,000 */
#define MOST_DIGITS 6        /* more items than that many digits count have no room in MOST_BYTES */
#define CHECKSUM 16u

/* A new string of the whole of a regular file that only this user can have written; NULL for anything else. */
static char *
read_own(const char *path, size_t *size)
{
    struct nl_stat state;
    char *content = NULL;
    int fd = nl_os_open_no_link(path);
    if (fd < 0) {
        return NULL;
    }
    if (nl_os_fstat(fd, &state) && state.kind == NL_REGULAR && nl_os_is_own(&state) && state.signature.size <= MOST_BYTES) {
        *size = (size_t)state.signature.size;
        content = malloc(*size + 1);
    }
    if (content != NULL && nl_os_read(fd, 0, content, *size) != (ptrdiff_t)*size) {
        free(content);
        content = NULL;
    } else if (content != NULL) {
        content[*size] = '\0';
    }
    nl_os_close(fd);
    return content;
}

/* What follows the first line and the checksum; NULL where either is not as it must be. */
static const char *
body(const char *content, size_t size, const char *magic)
{
    char checksum[CHECKSUM + 1];
    size_t line = strlen(magic), head = line + CHECKSUM + 2;
    if (size < head || memcmp(content, magic, line) != 0 || content[line] != '\n' || content[head - 1] != '\n') {
        return NULL;
    }
    snprintf(checksum, sizeof checksum, "%016" PRIx64, nl_digest((const unsigned char *)content + head, size - head));
    return memcmp(content + line + 1, checksum, CHECKSUM) == 0 ? content + head : NULL;
}

/* Reads a count and as many texts from `*at` on; `end` is the NUL after the last text, and no text is past it. */
static bool
read_group(struct nl_group *group, const char **at, const char *end)
{
    size_t digits = 0;
    if (*at > end) {
        return false;
    }
    group->count = 0;
    while (digits <= MOST_DIGITS && (*at)[digits] >= '0' && (*at)[digits] <= '9') {
        group->count = 10 * group->count + (size_t)((*at)[digits++] - '0');
    }
    if (digits == 0 || (*at)[digits] != '\0') {
        return false;
    }
    *at += digits + 1;
    group->first = *at;
    for (size_t i = 0; i < group->count; i++) {
        if (*at > end) {
            return false;
        }
        *at += strlen(*at) + 1;
    }
    return true;
}

/* Whether every path has the signature it had. */
static bool
unchanged(const struct nl_group *paths, const struct nl_group *signatures)
{
    char now[NL_SIGNATURE];
    const char *path = paths->first, *was = signatures->first;
    if (paths->count != signatures->count) {
        return false;
    }
    for (size_t i = 0; i < paths->count; i++) {
        nl_signature(path, now);
        if (strcmp(now, was) != 0) {
            return false;
        }
        path += strlen(path) + 1;
        was += strlen(was) + 1;
    }
    return true;
}

bool
nl_answer_read(struct nl_answer *answer, const char *directory, const char *magic, const char *asked)
{
    size_t size = 0, room = strlen(directory) + CHECKSUM + 2;
    char *path = malloc(room);
    answer->content = NULL;
    if (path != NULL) {
        snprintf(path, room, "%s/%016" PRIx64, directory, nl_digest((const unsigned char *)asked, strlen(asked)));
        answer->content = read_own(path, &size);
        free(path);
    }
    const char *at = answer->content != NULL ? body(answer->content, size, magic) : NULL;
    if (at == NULL) {
        return false;
    }
    const char *end = answer->content + size;
    for (size_t i = 0; i < NL_GROUPS; i++) {
        if (!read_group(&answer->groups[i], &at, end)) {
            return false;
        }
    }
    const struct nl_group *groups = answer->groups;
    return at > end && groups[0].count == 1 && strcmp(groups[0].first, asked) == 0
           && groups[NL_ANSWER].count == NL_FACTS && unchanged(&groups[1], &groups[2]);
}

void
nl_answer_free(struct nl_answer *answer)
{
    free(answer->content);
}
