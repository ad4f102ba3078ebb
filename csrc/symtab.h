/* The dynamic symbols of files, held in memory for many lookups: what one file wants and others give. */
#ifndef NATIVELOAD_SYMTAB_H
#define NATIVELOAD_SYMTAB_H

#include "images.h"
#include "symbols.h"

/* One file's tables, as they stand in it. */
struct nl_symtab {
    struct nl_symbols symbols;
    bool wide;
    bool big;
    uint32_t count; /* symbols */
    unsigned char *table;
    unsigned char *hash;
    size_t hash_size;
    char *strings; /* ends in a NUL of our own */
    size_t strings_size;
};

/* A symbol that a file wants: its name, valid as long as the file's facts, and whether it can do without. */
struct nl_want {
    const char *name;
    bool weak;
};

struct nl_wants {
    struct nl_want *items;
    uint32_t count;
    uint32_t room;
};

/* Bytes of the tables of all files; no more than half of it is kept from one question to the next. */
#define NL_MOST_HELD (UINT64_C(1) << 30)

/* The tables of a file, read once and kept with its facts; NULL where it has none that can be used. NL_TOO_MANY where
 * there is no room for them. */
enum nl_status nl_symtab_of(struct nl_images *images, struct nl_facts *facts, const struct nl_symtab **symtab);

/* Reads the tables of the file that images->elf has open into its facts; of what is unsound, these say why. Where too
 * much is kept already, they are left for nl_symtab_of to read. */
enum nl_status nl_symtab_read(struct nl_images *images, struct nl_facts *facts);

void nl_symtab_free(struct nl_symtab *symtab);

/* Fills `wants` with the symbols that the file leaves undefined and no file of `scope` exports. NL_OS_ERROR, or what
 * is wrong with its content, where the file itself cannot be read; what cannot be read of the scope gives nothing.
 * Free wants->items whatever the answer. */
enum nl_status nl_undefined(struct nl_images *images, const char *path, const char **scope, uint32_t count,
                            struct nl_wants *wants);

#endif
