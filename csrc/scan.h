/* The metadata directories of one directory of installed distributions, and the entry points they declare. */
#ifndef NATIVELOAD_SCAN_H
#define NATIVELOAD_SCAN_H

#include <stddef.h>

#include "status.h"
#include "walk.h"

#define NL_MOST_ENTRY_POINTS (1u << 20) /* bytes of one entry_points.txt */

struct nl_distribution {
    char *name; /* of the *.dist-info or *.egg-info */
    char *text; /* of its entry_points.txt; NULL where it has none, or none with a group that is wanted */
    size_t length;
};

struct nl_scan {
    struct nl_distribution *items;
    size_t count;
    size_t room;
};

/* Lists `directory`, sorted by the bytes of the names; texts are kept only where they hold "[" and one of
 * `groups`. Call nl_scan_free whatever the answer. */
enum nl_status nl_scan_read(struct nl_scan *scan, const char *directory, const struct nl_texts *groups,
                            struct nl_fault *fault);

void nl_scan_free(struct nl_scan *scan);

#endif
