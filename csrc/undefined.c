#include "undefined.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"

enum { STB_GLOBAL = 1, STB_WEAK = 2, STB_GNU_UNIQUE = 10 };
enum { STV_DEFAULT = 0, STV_PROTECTED = 3 };

/* A symbol table's entry. */
struct entry {
    uint32_t name;
    unsigned binding;
    unsigned visibility;
    bool defined;
};

static struct entry
entry_at(const struct nl_symtab *symtab, uint32_t index)
{
    const unsigned char *p = symtab->table + (size_t)index * nl_entry_size(symtab);
    const unsigned char *info = p + (symtab->wide ? 4 : 12); /* then st_other, st_shndx */
    return (struct entry){
        .name = nl_u32(p, symtab->big),
        .binding = info[0] >> 4,
        .visibility = info[1] & 3,
        .defined = nl_u16(info + 2, symtab->big) != 0,
    };
}

/* A name; "" where it lies outside the strings. */
static const char *
name_at(const struct nl_symtab *symtab, uint32_t offset)
{
    return offset < symtab->strings_size ? symtab->strings + offset : "";
}

/* What one question may cost: hostile tables have chains of collisions, and names that share one huge tail. */
struct budget {
    uint64_t left; /* steps along chains and from file to file, and bytes of names */
};

static bool
spend(struct budget *budget, uint64_t cost)
{
    budget->left -= cost < budget->left ? cost : budget->left;
    return budget->left > 0;
}

/* A name that is looked for. */
struct sought {
    const char *name;
    size_t length;
    uint32_t gnu;
    uint32_t sysv; /* where a table of that kind is among those that are asked */
};

enum { CHEAP = 64 };

/* Names are told apart by their first bytes, or it costs what it takes to tell. */
static bool
is_same(const char *name, const struct sought *sought, struct budget *budget)
{
    if (sought->length < CHEAP || strncmp(name, sought->name, CHEAP) != 0) {
        return strcmp(name, sought->name) == 0;
    }
    return spend(budget, sought->length) && strcmp(name, sought->name) == 0;
}

static bool
is_exported(const struct nl_symtab *symtab, uint32_t index, const struct sought *sought, struct budget *budget)
{
    struct entry entry = entry_at(symtab, index);
    return entry.defined && (entry.binding == STB_GLOBAL || entry.binding == STB_WEAK || entry.binding == STB_GNU_UNIQUE)
           && (entry.visibility == STV_DEFAULT || entry.visibility == STV_PROTECTED)
           && is_same(name_at(symtab, entry.name), sought, budget);
}

static bool
find_gnu(const struct nl_symtab *symtab, const struct sought *sought, struct budget *budget)
{
    uint32_t hash = sought->gnu;
    const struct nl_symbols *symbols = &symtab->symbols;
    uint32_t size = symtab->wide ? 8 : 4, bits = 8 * size;
    const unsigned char *word = symtab->hash + 16 + (size_t)(hash / bits % symbols->bloom_count) * size;
    uint64_t filter = symtab->wide ? nl_u64(word, symtab->big) : nl_u32(word, symtab->big);
    uint32_t shifted = symbols->bloom_shift < 32 ? hash >> symbols->bloom_shift : 0;
    if (!(filter >> hash % bits & 1) || !(filter >> shifted % bits & 1) || symbols->bucket_count == 0) {
        return false;
    }
    const unsigned char *buckets = symtab->hash + 16 + (size_t)symbols->bloom_count * size;
    const unsigned char *chains = buckets + 4 * (size_t)symbols->bucket_count;
    uint32_t index = nl_u32(buckets + 4 * (size_t)(hash % symbols->bucket_count), symtab->big);
    for (; index >= symbols->first && index < symtab->count && spend(budget, 1); index++) {
        uint32_t link = nl_u32(chains + 4 * (size_t)(index - symbols->first), symtab->big);
        if ((link | 1) == (hash | 1) && is_exported(symtab, index, sought, budget)) {
            return true;
        }
        if (link & 1) {
            break;
        }
    }
    return false;
}

static uint32_t
sysv_word(const struct nl_symtab *symtab, uint64_t index)
{
    const unsigned char *p = symtab->hash + index * symtab->symbols.entry;
    uint64_t wide = symtab->symbols.entry == 8 ? nl_u64(p, symtab->big) : nl_u32(p, symtab->big);
    return wide < UINT32_MAX ? (uint32_t)wide : UINT32_MAX;
}

static bool
find_sysv(const struct nl_symtab *symtab, const struct sought *sought, struct budget *budget)
{
    const struct nl_symbols *symbols = &symtab->symbols;
    uint32_t index = symbols->bucket_count > 0 ? sysv_word(symtab, 2 + sought->sysv % symbols->bucket_count) : 0;
    /* a chain of more links than there are symbols is a ring */
    for (uint32_t links = 0; index != 0 && index < symtab->count && links < symtab->count && spend(budget, 1); links++) {
        if (is_exported(symtab, index, sought, budget)) {
            return true;
        }
        index = sysv_word(symtab, 2 + (uint64_t)symbols->bucket_count + index);
    }
    return false;
}

static bool
gives(const struct nl_symtab *symtab, const struct sought *sought, struct budget *budget)
{
    return symtab->symbols.kind == NL_HASH_GNU ? find_gnu(symtab, sought, budget) : find_sysv(symtab, sought, budget);
}

static enum nl_status
add_want(struct nl_wants *wants, const char *name, bool weak)
{
    struct nl_want *items = nl_grow(wants->items, wants->count, &wants->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    wants->items = items;
    wants->items[wants->count++] = (struct nl_want){.name = name, .weak = weak};
    return NL_OK;
}

/* The tables of what can be read of the scope. */
static enum nl_status
open_scope(struct nl_images *images, const char **scope, uint32_t count, const struct nl_symtab **tables, uint32_t *used)
{
    *used = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct nl_facts *facts;
        enum nl_status status = nl_images_read(images, scope[i], strlen(scope[i]), &facts);
        if (status == NL_OK && facts->status == NL_OK) {
            status = nl_symtab_of(images, facts, &tables[*used]);
            *used += status == NL_OK && tables[*used] != NULL;
        }
        if (status != NL_OK && status != NL_OS_ERROR) {
            return status;
        }
    }
    return NL_OK;
}

static enum nl_status
collect(struct nl_images *images, const struct nl_symtab *file, const struct nl_symtab **tables, uint32_t used,
        struct nl_wants *wants)
{
    struct budget budget = {.left = NL_MOST_LOOKING};
    bool sysv = false;
    /* The GNU table hashes what is defined, and puts all else before. */
    uint32_t end = file->symbols.kind == NL_HASH_GNU && file->symbols.first < file->count ? file->symbols.first : file->count;
    enum nl_status status = NL_OK;
    for (uint32_t j = 0; j < used; j++) {
        sysv = sysv || tables[j]->symbols.kind == NL_HASH_SYSV;
    }
    for (uint32_t i = 1; status == NL_OK && i < end; i++) {
        struct entry entry = entry_at(file, i);
        const char *name = name_at(file, entry.name);
        bool found = entry.defined || (entry.binding != STB_GLOBAL && entry.binding != STB_WEAK);
        struct sought sought = {.name = name, .length = found ? 0 : strlen(name)};
        if (!found && entry.name + (uint64_t)sought.length >= file->strings_size) {
            return nl_fail(&images->fault, NL_MALFORMED, "a symbol's name runs out of the string table");
        }
        found = found || sought.length == 0;
        sought.gnu = nl_gnu_hash(name, sought.length);
        sought.sysv = sysv ? nl_sysv_hash(name, sought.length) : 0;
        for (uint32_t j = 0; !found && j < used && spend(&budget, 1); j++) {
            found = gives(tables[j], &sought, &budget);
        }
        if (!spend(&budget, sought.length)) {
            return nl_too_many(&images->fault, "steps from symbol to symbol", NL_MOST_LOOKING);
        }
        if (!found) {
            status = add_want(wants, name, entry.binding == STB_WEAK);
        }
    }
    return status;
}

enum nl_status
nl_undefined(struct nl_images *images, const char *path, const char **scope, uint32_t count, struct nl_wants *wants)
{
    struct nl_facts *facts;
    const struct nl_symtab *file;
    uint32_t used = 0;
    *wants = (struct nl_wants){.count = 0};
    nl_symtab_make_room(images);
    enum nl_status status = nl_images_read(images, path, strlen(path), &facts);
    if (status == NL_OK && facts->status != NL_OK) {
        images->fault = facts->fault;
        status = facts->status;
    }
    if (status == NL_OK) {
        status = nl_symtab_of(images, facts, &file);
    }
    if (status == NL_OK && facts->symtab_status != NL_OK) {
        images->fault = facts->symtab_fault;
        status = facts->symtab_status;
    }
    if (status != NL_OK || file == NULL) {
        return status;
    }
    const struct nl_symtab **tables = malloc((count + 1) * sizeof *tables);
    if (tables == NULL) {
        return NL_NO_MEMORY;
    }
    status = open_scope(images, scope, count, tables, &used);
    if (status == NL_OK) {
        status = collect(images, file, tables, used, wants);
    }
    free(tables);
    return status;
}
