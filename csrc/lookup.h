/* Whether a file's tables give a symbol, as do_lookup_x in glibc's elf/dl-lookup.c and find_sym in musl's ldso/dynlink.c
 * ask them. */
#ifndef NATIVELOAD_LOOKUP_H
#define NATIVELOAD_LOOKUP_H

#include "symtab.h"

/* A symbol table's entry. */
struct nl_entry {
    uint32_t name;
    unsigned binding;
    unsigned visibility;
    bool defined;
};

struct nl_entry nl_entry_at(const struct nl_symtab *symtab, uint32_t index);

/* A name; "" where it lies outside the strings. */
const char *nl_name_at(const struct nl_symtab *symtab, uint32_t offset);

/* The version of a symbol, NULL where it has none. */
const struct nl_version *nl_version_at(const struct nl_symtab *symtab, uint32_t index);

/* What one question may cost: hostile tables have chains of collisions, and names that share one huge tail. */
struct nl_budget {
    uint64_t left; /* steps along chains and from file to file, and bytes of names */
};

static inline bool
nl_spend(struct nl_budget *budget, uint64_t cost)
{
    budget->left -= cost < budget->left ? cost : budget->left;
    return budget->left > 0;
}

/* A symbol that is looked for. */
struct nl_sought {
    const char *name;
    size_t length;
    uint32_t gnu;
    uint32_t sysv; /* where a table of that kind is among those that are asked */
    bool musl;     /* by musl, which knows no version but the one that is not hidden */
    const struct nl_version *version; /* NULL for none */
};

bool nl_gives(const struct nl_symtab *symtab, const struct nl_sought *sought, struct nl_budget *budget);

enum { NL_STB_GLOBAL = 1, NL_STB_WEAK = 2, NL_STB_GNU_UNIQUE = 10 };

#endif
