/* What one file wants and others give. */
#ifndef NATIVELOAD_UNDEFINED_H
#define NATIVELOAD_UNDEFINED_H

#include "symtab.h"

/* A symbol that a file wants, valid as long as the file's facts. */
struct nl_want {
    const char *name;
    const char *version; /* NULL for none */
    bool weak; /* it can do without */
};

struct nl_wants {
    struct nl_want *items;
    uint32_t count;
    uint32_t room;
};

/* Fills `wants` with the symbols that the file leaves undefined and no file of `scope` exports, in the version wanted
 * (musl: whatever that is). NL_OS_ERROR, or what
 * is wrong with its content, where the file itself cannot be read; what cannot be read of the scope gives nothing.
 * Free wants->items whatever the answer. */
enum nl_status nl_undefined(struct nl_images *images, const char *path, const char **scope, uint32_t count,
                            bool musl, struct nl_wants *wants);

#endif
