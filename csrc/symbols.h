/* The dynamic symbols of an ELF file and their versions.
 *
 * Lookup goes through DT_GNU_HASH, or DT_HASH where there is none, and reads a handful of windows however
 * large the tables are. A symbol counts when it is defined, GLOBAL, WEAK or GNU_UNIQUE, and of default or
 * protected visibility; a hidden version (foo@V1) counts like any other.
 */
#ifndef NATIVELOAD_SYMBOLS_H
#define NATIVELOAD_SYMBOLS_H

#include "elf.h"

enum nl_hash_kind { NL_HASH_NONE, NL_HASH_SYSV, NL_HASH_GNU };

/* The symbol table and one hash table, opened once for any number of lookups. */
struct nl_symbols {
    enum nl_hash_kind kind;
    struct nl_span table;
    struct nl_span hash;
    uint32_t bucket_count;
    uint32_t first;       /* GNU: the first symbol that is hashed */
    uint32_t bloom_count; /* GNU: words of the filter */
    uint32_t bloom_shift;
    uint32_t chain_count; /* SysV: the number of symbols */
    uint32_t entry;       /* SysV: bytes of one entry */
};

/* The names that a file exports: sorted by their bytes, once each. */
struct nl_exports {
    char *strings;
    const char **names;
    size_t count;
};

/* Fills elf->verneed and elf->verdef. */
enum nl_status nl_versions_read(struct nl_elf *elf);

enum nl_status nl_symbols_open(struct nl_elf *elf, struct nl_symbols *symbols);

/* Whether `name` is defined and exported. */
enum nl_status nl_symbols_find(struct nl_elf *elf, const struct nl_symbols *symbols, const char *name, size_t length,
                               bool *found);

/* Call nl_exports_free whatever the answer. */
enum nl_status nl_exports_read(struct nl_elf *elf, const struct nl_symbols *symbols, struct nl_exports *exports);

void nl_exports_free(struct nl_exports *exports);

#endif
