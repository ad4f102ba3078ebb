/* The dynamic symbols of an ELF file.
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

struct nl_symbol {
    uint32_t name; /* its offset in the string table */
    bool exported;
};

uint32_t nl_gnu_hash(const char *name, size_t length);

uint32_t nl_sysv_hash(const char *name, size_t length);

enum nl_status nl_symbols_open(struct nl_elf *elf, struct nl_symbols *symbols);

/* Whether `name` is defined and exported. */
enum nl_status nl_symbols_find(struct nl_elf *elf, const struct nl_symbols *symbols, const char *name, size_t length,
                               bool *found);

enum nl_status nl_symbols_read(struct nl_elf *elf, const struct nl_symbols *symbols, uint32_t index,
                               struct nl_symbol *symbol);

/* How many symbols there are, as far as the hash table says. */
enum nl_status nl_symbols_count(struct nl_elf *elf, const struct nl_symbols *symbols, uint32_t *count);

#endif
