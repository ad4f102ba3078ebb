#include "symtab.h"

#include <stdlib.h>
#include <string.h>

#include "relocs.h"
#include "versions.h"

static const char HELD[] = "bytes of symbol tables at once";

static enum nl_status
read_whole(struct nl_elf *elf, const struct nl_span *span, size_t length, unsigned char **bytes, const char *what)
{
    *bytes = malloc(length + 1);
    if (*bytes == NULL) {
        return NL_NO_MEMORY;
    }
    (*bytes)[length] = '\0';
    return nl_elf_read(elf, span, 0, *bytes, length, what);
}

/* How long the hash table is: as far as its last chain. */
static uint64_t
hash_length(const struct nl_symtab *symtab)
{
    const struct nl_symbols *symbols = &symtab->symbols;
    if (symbols->kind == NL_HASH_SYSV) {
        return symbols->entry * (2 + (uint64_t)symbols->bucket_count + symbols->chain_count);
    }
    uint64_t chains = symtab->count > symbols->first ? symtab->count - symbols->first : 0;
    return 16 + (uint64_t)symbols->bloom_count * (symtab->wide ? 8 : 4) + 4 * ((uint64_t)symbols->bucket_count + chains);
}

/* Counts the symbols of a GNU table that is in memory, with whatever follows it. Returns false where it runs out. */
static bool
count_gnu(struct nl_symtab *symtab, uint64_t size)
{
    const struct nl_symbols *symbols = &symtab->symbols;
    uint64_t buckets = 16 + (uint64_t)symbols->bloom_count * (symtab->wide ? 8 : 4);
    uint64_t chains = buckets + 4 * (uint64_t)symbols->bucket_count;
    uint32_t last = 0;
    if (chains > size) { /* without a bucket, too: the filter is read whatever there is */
        return false;
    }
    for (uint64_t at = buckets; at < chains; at += 4) {
        uint32_t index = nl_u32(symtab->hash + at, symtab->big);
        last = index > last ? index : last;
    }
    symtab->count = symbols->first;
    while (last >= symbols->first) {
        uint64_t at = chains + 4 * (uint64_t)(last - symbols->first);
        if (at + 4 > size || last >= NL_MOST_SYMBOLS) {
            return false;
        }
        symtab->count = ++last;
        if (nl_u32(symtab->hash + at, symtab->big) & 1) {
            break;
        }
    }
    return true;
}

/* Reads the hash table: the symbol table mostly follows it, so that one read holds it all. */
static enum nl_status
read_hash(struct nl_elf *elf, struct nl_symtab *symtab)
{
    struct nl_symbols *symbols = &symtab->symbols;
    uint64_t before_table = symbols->table.start - symbols->hash.start;
    if (symbols->kind == NL_HASH_GNU && symbols->table.start > symbols->hash.start && before_table < NL_MOST_HASH
        && before_table <= symbols->hash.end - symbols->hash.start) {
        symtab->hash_size = (size_t)before_table;
        enum nl_status status = read_whole(elf, &symbols->hash, symtab->hash_size, &symtab->hash, "the symbol hash table");
        if (status != NL_OK || count_gnu(symtab, before_table)) {
            return status;
        }
        free(symtab->hash);
        symtab->hash = NULL;
    }
    enum nl_status status = nl_symbols_count(elf, symbols, &symtab->count);
    uint64_t length = hash_length(symtab);
    if (status != NL_OK) {
        return status;
    }
    if (length > symbols->hash.end - symbols->hash.start) {
        return nl_fail(&elf->file.fault, NL_OUTSIDE, "the symbol hash table");
    }
    if (length > NL_MOST_HASH) { /* a sparse file holds any length */
        return nl_too_many(&elf->file.fault, "bytes of a symbol hash table", NL_MOST_HASH);
    }
    symtab->hash_size = (size_t)length;
    return read_whole(elf, &symbols->hash, symtab->hash_size, &symtab->hash, "the symbol hash table");
}

/* The versions by their indices: those needed first, as _dl_check_map_versions in glibc's elf/dl-version.c has them. */
static enum nl_status
index_versions(const struct nl_list *indices, struct nl_symtab *symtab)
{
    for (uint32_t i = 0; i < indices->count; i += 3) {
        uint32_t index = indices->items[i] & 0x7fff;
        symtab->version_count = index >= symtab->version_count ? index + 1 : symtab->version_count;
    }
    symtab->versions = calloc(symtab->version_count + 1, sizeof *symtab->versions);
    for (uint32_t i = 0; symtab->versions != NULL && i < indices->count; i += 3) {
        const uint32_t *item = indices->items + i;
        symtab->versions[item[0] & 0x7fff] = (struct nl_version){
            .name = item[1] != 0 && item[2] < symtab->strings_size ? symtab->strings + item[2] : NULL,
            .hash = item[1],
            .hidden = item[0] & 0x8000,
        };
    }
    return symtab->versions == NULL ? NL_NO_MEMORY : NL_OK;
}

/* Which version each symbol has. */
static enum nl_status
read_versym(struct nl_elf *elf, struct nl_symtab *symtab)
{
    static const char WHAT[] = "the versions of symbols";
    struct nl_span span;
    enum nl_status status = elf->has[NL_VERSYM] ? nl_elf_span(elf, NL_VERSYM, WHAT, &span) : NL_OK;
    if (status == NL_OK && elf->has[NL_VERSYM]) {
        status = read_whole(elf, &span, 2 * (size_t)symtab->count, &symtab->versym, WHAT);
    }
    return status == NL_OK ? index_versions(&elf->indices, symtab) : status;
}

static enum nl_status
read_tables(struct nl_elf *elf, struct nl_symtab *symtab, uint64_t held)
{
    struct nl_symbols *symbols = &symtab->symbols;
    enum nl_status status = nl_symbols_open(elf, symbols);
    if (status != NL_OK || symbols->kind == NL_HASH_NONE) {
        return status;
    }
    symtab->wide = elf->wide;
    symtab->big = elf->big;
    status = read_hash(elf, symtab);
    symtab->first = symtab->count;
    if (symbols->kind == NL_HASH_GNU && symbols->first < symtab->count) {
        symtab->first = symbols->first;
    } else if (status == NL_OK && symbols->kind == NL_HASH_GNU) { /* an empty table does not say how many there are */
        status = nl_relocs_count(elf, &symtab->count);
        symtab->first = symtab->count;
    }
    uint64_t strings = elf->strings.end - elf->strings.start;
    if (status == NL_OK && (symtab->count > NL_MOST_SYMBOLS || strings > NL_MOST_STRTAB)) {
        status = nl_too_many(&elf->file.fault, "symbols", NL_MOST_SYMBOLS);
    }
    if (status == NL_OK && held + symtab->hash_size + symtab->count * (nl_entry_size(symtab) + 2) + strings > NL_MOST_HELD) {
        status = nl_too_many(&elf->file.fault, HELD, NL_MOST_HELD);
    }
    if (status == NL_OK) {
        status = read_whole(elf, &symbols->table, symtab->count * nl_entry_size(symtab), &symtab->table, "the symbol table");
    }
    if (status == NL_OK) {
        unsigned char *bytes = NULL;
        symtab->strings_size = (size_t)strings;
        status = read_whole(elf, &elf->strings, symtab->strings_size, &bytes, "the string table");
        symtab->strings = (char *)bytes;
    }
    return status == NL_OK ? read_versym(elf, symtab) : status;
}

static uint64_t
size_of(const struct nl_symtab *symtab)
{
    return symtab->hash_size + symtab->count * (nl_entry_size(symtab) + 2) + symtab->strings_size;
}

enum nl_status
nl_symtab_read(struct nl_images *images, struct nl_facts *facts)
{
    struct nl_elf *elf = images->elf;
    struct nl_symtab *symtab = calloc(1, sizeof *symtab);
    enum nl_status status = symtab == NULL ? NL_NO_MEMORY : read_tables(elf, symtab, images->held);
    bool full = status == NL_TOO_MANY && elf->file.fault.what == HELD;
    facts->symtab_read = status != NL_NO_MEMORY && !full;
    facts->symtab_status = status;
    facts->symtab_fault = elf->file.fault;
    if (status == NL_OK && symtab->symbols.kind != NL_HASH_NONE) {
        facts->symtab = symtab;
        images->held += size_of(symtab);
    } else {
        nl_symtab_free(symtab);
    }
    return status == NL_NO_MEMORY ? status : NL_OK;
}

void
nl_symtab_make_room(struct nl_images *images)
{
    for (uint32_t i = 0; images->held > NL_MOST_HELD / 2 && images->users <= 1 && i < images->count; i++) {
        struct nl_facts *facts = images->items[i];
        if (facts->symtab != NULL) {
            images->held -= size_of(facts->symtab);
            nl_symtab_free(facts->symtab);
            facts->symtab = NULL;
            facts->symtab_read = false;
        }
    }
}

void
nl_symtab_free(struct nl_symtab *symtab)
{
    if (symtab != NULL) {
        free(symtab->table);
        free(symtab->hash);
        free(symtab->strings);
        free(symtab->versym);
        free(symtab->versions);
        free(symtab);
    }
}

enum nl_status
nl_symtab_of(struct nl_images *images, struct nl_facts *facts, const struct nl_symtab **result)
{
    enum nl_status status = NL_OK;
    if (!facts->symtab_read) { /* it was read when nobody asked for its symbols */
        struct nl_elf *elf = images->elf != NULL ? images->elf : malloc(sizeof *elf);
        images->elf = elf;
        if (elf == NULL) {
            return NL_NO_MEMORY;
        }
        status = nl_elf_open_in(elf, images->root, facts->path);
        if (status == NL_OK) {
            status = nl_versions_read(elf);
        }
        facts->symtab_read = true;
        facts->symtab_status = status;
        facts->symtab_fault = elf->file.fault;
        status = status == NL_OK ? nl_symtab_read(images, facts) : status == NL_NO_MEMORY ? status : NL_OK;
        nl_elf_close(elf);
        if (status == NL_OK && !facts->symtab_read) { /* there is no room for it */
            images->fault = facts->symtab_fault;
            status = facts->symtab_status;
        }
    }
    *result = facts->symtab;
    return status;
}
