/* What a linker makes of a file that has the right name. */
#include <stdio.h>
#include <string.h>

#include "walk.h"

enum { ET_DYN = 3 };
enum { ELFOSABI_SYSV = 0, ELFOSABI_GNU = 3 };
static const uint64_t DF_1_NOOPEN = 0x40, DF_1_PIE = 0x8000000;

const char *
nl_refusal(const struct nl_rules *rules, const struct nl_facts *facts, bool starts, bool *next)
{
    uint16_t swapped = (uint16_t)(facts->machine << 8 | facts->machine >> 8);
    uint16_t machine = facts->big == rules->big ? facts->machine : swapped; /* as the linker reads the field */
    *next = !rules->musl && (facts->wide != rules->wide || machine != rules->machine);
    if (*next) {
        return NULL;
    }
    if (facts->wide != rules->wide || machine != rules->machine) {
        return "it is of another machine";
    }
    if (facts->big != rules->big) {
        return "it is of the other byte order";
    }
    if (!facts->dynamic) {
        return "it has no dynamic section";
    }
    if (facts->flaw != NULL && !rules->musl) {
        return facts->flaw;
    }
    if (facts->osabi != ELFOSABI_SYSV && facts->osabi != ELFOSABI_GNU && !rules->musl) {
        return "it is for another operating system";
    }
    if (facts->type != ET_DYN || ((facts->flags_1 & DF_1_PIE) && !rules->musl)) {
        return "it is not a shared library but a program, an object or a core file";
    }
    if ((facts->flags_1 & DF_1_NOOPEN) && !rules->musl && !starts) {
        return "it is marked not to be opened at run time (DF_1_NOOPEN)";
    }
    return NULL;
}

const char *
nl_words(struct nl_walk *walk, enum nl_status status, const struct nl_fault *fault)
{
    char text[256];
    if (status == NL_OS_ERROR) {
        snprintf(text, sizeof text, "%s", strerror(fault->os_errno));
    } else {
        nl_status_text(status, fault, text, sizeof text);
    }
    return nl_walk_copy(walk, text, strlen(text));
}

bool
nl_in_directory(struct nl_walk *walk, const char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    const char *directory = nl_walk_copy(walk, path, length);
    return directory != NULL && nl_file_is_directory(walk->images->root, *directory != '\0' ? directory : ".");
}
