#include "symbols.h"

#include <string.h>

enum { SHN_UNDEF = 0 };
enum { STB_GLOBAL = 1, STB_WEAK = 2, STB_GNU_UNIQUE = 10 };
enum { STV_DEFAULT = 0, STV_PROTECTED = 3 };
enum { EM_S390 = 22, EM_ALPHA = 0x9026 };

static enum nl_status
read_u32(struct nl_elf *elf, const struct nl_span *span, uint64_t at, uint32_t *value)
{
    unsigned char p[4];
    enum nl_status status = nl_elf_read(elf, span, at, p, sizeof p, "the symbol hash table");
    if (status == NL_OK) {
        *value = nl_u32(p, elf->big);
    }
    return status;
}

static enum nl_status
open_gnu(struct nl_elf *elf, struct nl_symbols *symbols)
{
    unsigned char p[16];
    enum nl_status status = nl_elf_span(elf, NL_GNU_HASH, "the symbol hash table", &symbols->hash);
    if (status == NL_OK) {
        status = nl_elf_read(elf, &symbols->hash, 0, p, sizeof p, "the symbol hash table");
    }
    if (status != NL_OK) {
        return status;
    }
    symbols->kind = NL_HASH_GNU;
    symbols->bucket_count = nl_u32(p, elf->big);
    symbols->first = nl_u32(p + 4, elf->big);
    symbols->bloom_count = nl_u32(p + 8, elf->big);
    symbols->bloom_shift = nl_u32(p + 12, elf->big);
    if (symbols->bloom_count == 0) {
        return nl_fail(&elf->file.fault, NL_MALFORMED, "a symbol hash table without a filter");
    }
    return NL_OK;
}

/* One entry of a SysV table: a word, but 64 bits on s390x and Alpha. */
static enum nl_status
read_entry(struct nl_elf *elf, const struct nl_symbols *symbols, uint64_t index, uint32_t *value)
{
    unsigned char p[8];
    enum nl_status status =
        nl_elf_read(elf, &symbols->hash, index * symbols->entry, p, symbols->entry, "the symbol hash table");
    if (status == NL_OK) {
        uint64_t wide = symbols->entry == 8 ? nl_u64(p, elf->big) : nl_u32(p, elf->big);
        *value = wide < UINT32_MAX ? (uint32_t)wide : UINT32_MAX;
    }
    return status;
}

static enum nl_status
open_sysv(struct nl_elf *elf, struct nl_symbols *symbols)
{
    symbols->kind = NL_HASH_SYSV;
    symbols->entry = elf->wide && (elf->machine == EM_S390 || elf->machine == EM_ALPHA) ? 8 : 4;
    enum nl_status status = nl_elf_span(elf, NL_HASH, "the symbol hash table", &symbols->hash);
    if (status == NL_OK) {
        status = read_entry(elf, symbols, 0, &symbols->bucket_count);
    }
    if (status == NL_OK) {
        status = read_entry(elf, symbols, 1, &symbols->chain_count);
    }
    return status;
}

enum nl_status
nl_symbols_open(struct nl_elf *elf, struct nl_symbols *symbols)
{
    *symbols = (struct nl_symbols){.kind = NL_HASH_NONE};
    if (!elf->has[NL_SYMTAB] || (!elf->has[NL_GNU_HASH] && !elf->has[NL_HASH])) {
        return NL_OK;
    }
    enum nl_status status = nl_elf_span(elf, NL_SYMTAB, "the symbol table", &symbols->table);
    if (status != NL_OK) {
        return status;
    }
    return elf->has[NL_GNU_HASH] ? open_gnu(elf, symbols) : open_sysv(elf, symbols);
}

enum nl_status
nl_symbols_read(struct nl_elf *elf, const struct nl_symbols *symbols, uint32_t index, struct nl_symbol *symbol)
{
    unsigned char p[24];
    size_t size = elf->wide ? 24 : 16;
    enum nl_status status = nl_elf_read(elf, &symbols->table, (uint64_t)index * size, p, size, "the symbol table");
    if (status == NL_OK) {
        const unsigned char *info = p + (elf->wide ? 4 : 12); /* then st_other, st_shndx */
        unsigned binding = info[0] >> 4, visibility = info[1] & 3;
        symbol->name = nl_u32(p, elf->big);
        symbol->exported = nl_u16(info + 2, elf->big) != SHN_UNDEF
                           && (binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE)
                           && (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
    }
    return status;
}

/* Whether the symbol at `index` is exported and has this name. */
static enum nl_status
is_symbol(struct nl_elf *elf, const struct nl_symbols *symbols, uint32_t index, const char *name, size_t length,
          bool *same)
{
    struct nl_symbol symbol;
    const unsigned char *at;
    size_t held;
    *same = false;
    enum nl_status status = nl_symbols_read(elf, symbols, index, &symbol);
    if (status != NL_OK || !symbol.exported) {
        return status;
    }
    uint64_t room = elf->strings.end - elf->strings.start;
    if (symbol.name >= room) {
        return nl_fail(&elf->file.fault, NL_MALFORMED, "a name lies outside the string table");
    }
    room -= symbol.name;
    uint64_t next = elf->strings.start + symbol.name;
    for (size_t left = length + 1; left > 0; left -= held, next += held, name += held) {
        if (left > room) { /* the table ends first */
            return NL_OK;
        }
        status = nl_file_peek(&elf->file, next, &at, &held, "the string table ends");
        if (status != NL_OK) {
            return status;
        }
        held = held < left ? held : left;
        if (memcmp(at, name, held) != 0) {
            return NL_OK;
        }
        room -= held;
    }
    *same = true;
    return NL_OK;
}

uint32_t
nl_gnu_hash(const char *name, size_t length)
{
    uint32_t hash = 5381;
    for (size_t i = 0; i < length; i++) {
        hash = hash * 33 + (unsigned char)name[i];
    }
    return hash;
}

uint32_t
nl_sysv_hash(const char *name, size_t length)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < length; i++) {
        hash = (hash << 4) + (unsigned char)name[i];
        hash ^= hash >> 24 & 0xf0;
        hash &= 0x0fffffff;
    }
    return hash;
}

/* Whether the Bloom filter lets the hash through. */
static enum nl_status
passes_filter(struct nl_elf *elf, const struct nl_symbols *symbols, uint32_t hash, bool *passes)
{
    unsigned char p[8];
    uint32_t size = elf->wide ? 8 : 4, bits = 8 * size;
    uint64_t at = 16 + (uint64_t)(hash / bits % symbols->bloom_count) * size;
    enum nl_status status = nl_elf_read(elf, &symbols->hash, at, p, size, "the symbol hash table");
    if (status == NL_OK) {
        uint64_t word = nl_elf_word(elf, p);
        uint32_t shifted = symbols->bloom_shift < 32 ? hash >> symbols->bloom_shift : 0;
        *passes = (word >> hash % bits & 1) && (word >> shifted % bits & 1);
    }
    return status;
}

/* Where the GNU table's buckets and chains start. */
static uint64_t
gnu_buckets(const struct nl_elf *elf, const struct nl_symbols *symbols)
{
    return 16 + (uint64_t)symbols->bloom_count * (elf->wide ? 8 : 4);
}

static enum nl_status
read_gnu_chain(struct nl_elf *elf, const struct nl_symbols *symbols, uint32_t index, uint32_t *hash)
{
    uint64_t chains = gnu_buckets(elf, symbols) + 4 * (uint64_t)symbols->bucket_count;
    return read_u32(elf, &symbols->hash, chains + 4 * (uint64_t)(index - symbols->first), hash);
}

static enum nl_status
find_gnu(struct nl_elf *elf, const struct nl_symbols *symbols, const char *name, size_t length, bool *found)
{
    uint32_t hash = nl_gnu_hash(name, length), index = 0, word = 0;
    bool passes = false;
    enum nl_status status = passes_filter(elf, symbols, hash, &passes);
    if (status == NL_OK && passes && symbols->bucket_count > 0) {
        uint64_t bucket = hash % symbols->bucket_count;
        status = read_u32(elf, &symbols->hash, gnu_buckets(elf, symbols) + 4 * bucket, &index);
    }
    if (status != NL_OK || index == 0) {
        return status;
    }
    if (index < symbols->first) {
        return nl_fail(&elf->file.fault, NL_MALFORMED, "a hash bucket holds a symbol that is not hashed");
    }
    for (uint32_t steps = 0; status == NL_OK && !*found && !(word & 1); steps++, index++) {
        if (steps == NL_MOST_CHAIN || index == UINT32_MAX) {
            return nl_too_many(&elf->file.fault, "symbols in one hash chain", NL_MOST_CHAIN);
        }
        status = read_gnu_chain(elf, symbols, index, &word);
        if (status == NL_OK && (word | 1) == (hash | 1)) {
            status = is_symbol(elf, symbols, index, name, length, found);
        }
    }
    return status;
}

static enum nl_status
find_sysv(struct nl_elf *elf, const struct nl_symbols *symbols, const char *name, size_t length, bool *found)
{
    uint32_t index = 0;
    enum nl_status status = NL_OK;
    if (symbols->bucket_count > 0) {
        status = read_entry(elf, symbols, 2 + nl_sysv_hash(name, length) % symbols->bucket_count, &index);
    }
    for (uint32_t steps = 0; status == NL_OK && !*found && index != 0; steps++) {
        if (steps == NL_MOST_CHAIN) {
            return nl_too_many(&elf->file.fault, "symbols in one hash chain", NL_MOST_CHAIN);
        }
        status = is_symbol(elf, symbols, index, name, length, found);
        if (status == NL_OK && !*found) {
            status = read_entry(elf, symbols, 2 + (uint64_t)symbols->bucket_count + index, &index);
        }
    }
    return status;
}

enum nl_status
nl_symbols_find(struct nl_elf *elf, const struct nl_symbols *symbols, const char *name, size_t length, bool *found)
{
    *found = false;
    if (length == 0 || memchr(name, 0, length) != NULL) {
        return NL_OK;
    }
    switch (symbols->kind) {
    case NL_HASH_GNU:
        return find_gnu(elf, symbols, name, length, found);
    case NL_HASH_SYSV:
        return find_sysv(elf, symbols, name, length, found);
    default:
        return NL_OK;
    }
}

enum nl_status
nl_symbols_count(struct nl_elf *elf, const struct nl_symbols *symbols, uint32_t *count)
{
    uint32_t last = 0, word = 0;
    enum nl_status status = NL_OK;
    *count = symbols->kind == NL_HASH_SYSV ? symbols->chain_count : symbols->first;
    if (symbols->kind == NL_HASH_SYSV) {
        return NL_OK;
    }
    if (symbols->bucket_count > NL_MOST_SYMBOLS) {
        return nl_too_many(&elf->file.fault, "buckets of symbols", NL_MOST_SYMBOLS);
    }
    /* the GNU table does not say it, but its last chain ends with the last symbol */
    for (uint32_t i = 0; status == NL_OK && i < symbols->bucket_count; i++) {
        uint32_t index = 0;
        status = read_u32(elf, &symbols->hash, gnu_buckets(elf, symbols) + 4 * (uint64_t)i, &index);
        last = index > last ? index : last;
    }
    if (last < symbols->first) { /* every bucket is empty */
        return status;
    }
    while (status == NL_OK && !(word & 1) && last < NL_MOST_SYMBOLS) {
        status = read_gnu_chain(elf, symbols, last++, &word);
    }
    *count = last;
    return status;
}
