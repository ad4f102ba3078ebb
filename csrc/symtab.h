/* The tables of dynamic symbols of files, held in memory for many lookups. */
#ifndef NATIVELOAD_SYMTAB_H
#define NATIVELOAD_SYMTAB_H

#include "images.h"
#include "symbols.h"

/* A symbol version that the file needs or defines; without a name where no symbol can have it. */
struct nl_version {
    const char *name;
    uint32_t hash;
    bool hidden; /* whoever wants it takes no other */
};

/* One file's tables, as they stand in it. */
struct nl_symtab {
    struct nl_symbols symbols;
    bool wide;
    bool big;
    uint32_t count; /* symbols */
    uint32_t first; /* of those hashed, before which all is that is undefined; `count` where that cannot be told */
    unsigned char *table;
    unsigned char *hash;
    size_t hash_size;
    char *strings; /* ends in a NUL of our own */
    size_t strings_size;
    unsigned char *versym; /* the version of each symbol, two bytes each; NULL where none is said */
    struct nl_version *versions; /* by index */
    uint32_t version_count;
};

/* Bytes of one symbol. */
static inline size_t
nl_entry_size(const struct nl_symtab *symtab)
{
    return symtab->wide ? 24 : 16;
}

/* Bytes of the tables of all files; no more than half of it is kept from one question to the next. */
#define NL_MOST_HELD (UINT64_C(1) << 30)

/* The tables of a file, read once and kept with its facts; NULL where it has none that can be used. NL_TOO_MANY where
 * there is no room for them. */
enum nl_status nl_symtab_of(struct nl_images *images, struct nl_facts *facts, const struct nl_symtab **symtab);

/* Reads the tables of the file that images->elf has open into its facts; of what is unsound, these say why. Where too
 * much is kept already, they are left for nl_symtab_of to read. */
enum nl_status nl_symtab_read(struct nl_images *images, struct nl_facts *facts);

/* Makes room where what is kept is half of what may be; nothing of it is in use. */
void nl_symtab_make_room(struct nl_images *images);

void nl_symtab_free(struct nl_symtab *symtab);

#endif
