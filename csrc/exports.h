/* The names of every symbol that an ELF file exports. */
#ifndef NATIVELOAD_EXPORTS_H
#define NATIVELOAD_EXPORTS_H

#include "symbols.h"

/* Sorted by their bytes, once each. */
struct nl_exports {
    char *strings;
    const char **names;
    size_t count;
};

/* Call nl_exports_free whatever the answer. */
enum nl_status nl_exports_read(struct nl_elf *elf, const struct nl_symbols *symbols, struct nl_exports *exports);

void nl_exports_free(struct nl_exports *exports);

#endif
