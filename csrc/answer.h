/* An answer that was kept on disk, and whether it still holds. src/nativeload/cache.py writes it, and has the format. */
#ifndef NATIVELOAD_ANSWER_H
#define NATIVELOAD_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define NL_GROUPS 7u /* what was asked, paths, their signatures, then the answer: */
#define NL_ANSWER 3u /* the library's facts, its features, dependencies, sonames */
#define NL_FACTS 7u

/* Texts, each with its NUL, one after the other. */
struct nl_group {
    const char *first;
    size_t count;
};

struct nl_answer {
    char *content;
    struct nl_group groups[NL_GROUPS];
};

/* False where nothing under that name, or nothing sound, or something else was asked, or a path it rests on is not as
 * it was. `magic` is the first line. Free whatever the answer. */
bool nl_answer_read(struct nl_answer *answer, const char *directory, const char *magic, const char *asked);

void nl_answer_free(struct nl_answer *answer);

#endif
