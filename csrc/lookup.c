#include "lookup.h"

#include <string.h>

enum { STV_DEFAULT = 0, STV_PROTECTED = 3 };

struct nl_entry
nl_entry_at(const struct nl_symtab *symtab, uint32_t index)
{
    const unsigned char *p = symtab->table + (size_t)index * nl_entry_size(symtab);
    const unsigned char *info = p + (symtab->wide ? 4 : 12); /* then st_other, st_shndx */
    return (struct nl_entry){
        .name = nl_u32(p, symtab->big),
        .binding = info[0] >> 4,
        .visibility = info[1] & 3,
        .defined = nl_u16(info + 2, symtab->big) != 0,
    };
}

const char *
nl_name_at(const struct nl_symtab *symtab, uint32_t offset)
{
    return offset < symtab->strings_size ? symtab->strings + offset : "";
}

const struct nl_version *
nl_version_at(const struct nl_symtab *symtab, uint32_t index)
{
    uint32_t at = symtab->versym != NULL ? nl_u16(symtab->versym + 2 * (size_t)index, symtab->big) & 0x7fff : 0;
    return at > 0 && at < symtab->version_count && symtab->versions[at].name != NULL ? &symtab->versions[at] : NULL;
}

enum { CHEAP = 64 };

/* Names are told apart by their first bytes, or it costs what it takes to tell. */
static bool
is_same(const char *name, const struct nl_sought *sought, struct nl_budget *budget)
{
    if (sought->length < CHEAP || strncmp(name, sought->name, CHEAP) != 0) {
        return strcmp(name, sought->name) == 0;
    }
    return nl_spend(budget, sought->length) && strcmp(name, sought->name) == 0;
}

enum fit { FITS_NOT, FITS, FITS_ALONE };

/* Whether a symbol of the right name has the version that is wanted (check_match). Without one, it takes the oldest,
 * else the only one that is not hidden. */
static enum fit
fit_of(const struct nl_symtab *symtab, uint32_t index, const struct nl_sought *sought)
{
    if (symtab->versym == NULL || (symtab->version_count == 0 && !sought->musl)) {
        return FITS;
    }
    uint16_t versym = nl_u16(symtab->versym + 2 * (size_t)index, symtab->big);
    bool hidden = versym & 0x8000;
    if (sought->musl) {
        return hidden ? FITS_NOT : FITS;
    }
    if (sought->version == NULL) {
        return (versym & 0x7fff) < 3 ? FITS : hidden ? FITS_NOT : FITS_ALONE;
    }
    const struct nl_version *wanted = sought->version, *own = nl_version_at(symtab, index);
    bool same = own != NULL && own->hash == wanted->hash && strcmp(own->name, wanted->name) == 0;
    return same || (own == NULL && !hidden && !wanted->hidden) ? FITS : FITS_NOT;
}

static enum fit
fit_at(const struct nl_symtab *symtab, uint32_t index, const struct nl_sought *sought, struct nl_budget *budget)
{
    struct nl_entry entry = nl_entry_at(symtab, index);
    bool exported = entry.defined
                    && (entry.binding == NL_STB_GLOBAL || entry.binding == NL_STB_WEAK || entry.binding == NL_STB_GNU_UNIQUE)
                    && (entry.visibility == STV_DEFAULT || entry.visibility == STV_PROTECTED)
                    && is_same(nl_name_at(symtab, entry.name), sought, budget);
    return exported ? fit_of(symtab, index, sought) : FITS_NOT;
}

static bool
find_gnu(const struct nl_symtab *symtab, const struct nl_sought *sought, struct nl_budget *budget)
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
    uint32_t index = nl_u32(buckets + 4 * (size_t)(hash % symbols->bucket_count), symtab->big), alone = 0;
    for (; index >= symbols->first && index < symtab->count && nl_spend(budget, 1); index++) {
        uint32_t link = nl_u32(chains + 4 * (size_t)(index - symbols->first), symtab->big);
        enum fit fit = (link | 1) == (hash | 1) ? fit_at(symtab, index, sought, budget) : FITS_NOT;
        if (fit == FITS) {
            return true;
        }
        alone += fit == FITS_ALONE;
        if (link & 1) {
            break;
        }
    }
    return alone == 1;
}

static uint32_t
sysv_word(const struct nl_symtab *symtab, uint64_t index)
{
    const unsigned char *p = symtab->hash + index * symtab->symbols.entry;
    uint64_t wide = symtab->symbols.entry == 8 ? nl_u64(p, symtab->big) : nl_u32(p, symtab->big);
    return wide < UINT32_MAX ? (uint32_t)wide : UINT32_MAX;
}

static bool
find_sysv(const struct nl_symtab *symtab, const struct nl_sought *sought, struct nl_budget *budget)
{
    const struct nl_symbols *symbols = &symtab->symbols;
    uint32_t index = symbols->bucket_count > 0 ? sysv_word(symtab, 2 + sought->sysv % symbols->bucket_count) : 0;
    uint32_t alone = 0;
    /* a chain of more links than there are symbols is a ring */
    for (uint32_t links = 0; index != 0 && index < symtab->count && links < symtab->count && nl_spend(budget, 1); links++) {
        enum fit fit = fit_at(symtab, index, sought, budget);
        if (fit == FITS) {
            return true;
        }
        alone += fit == FITS_ALONE;
        index = sysv_word(symtab, 2 + (uint64_t)symbols->bucket_count + index);
    }
    return alone == 1;
}

bool
nl_gives(const struct nl_symtab *symtab, const struct nl_sought *sought, struct nl_budget *budget)
{
    return symtab->symbols.kind == NL_HASH_GNU ? find_gnu(symtab, sought, budget) : find_sysv(symtab, sought, budget);
}

