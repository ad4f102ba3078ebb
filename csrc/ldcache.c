#include "ldcache.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "grow.h"

#define OLD_MAGIC "ld.so-1.7.0"
#define NEW_MAGIC "glibc-ld.so.cache1.1"
enum { OLD_HEADER = 16, OLD_ENTRY = 12, NEW_HEADER = 48, NEW_ENTRY = 24 };
enum { ENDIAN_MASK = 3, ENDIAN_LITTLE = 2, ENDIAN_BIG = 3 };
enum { TAG_GLIBC_HWCAPS = 1 };
static const uint32_t EXTENSION_MAGIC = 0xeaa42174;
/* the high half of an entry's hwcap: bit 62 says glibc-hwcaps, ten bits below are an ISA level */
static const uint32_t HWCAP_EXTENSION = 0x40000000, HWCAP_ISA_LEVEL = 0x3ff;

struct cache {
    const unsigned char *bytes; /* the whole file */
    size_t size;
    size_t base; /* where the new format starts: its strings are relative to here */
    bool big;
    uint32_t count;
    size_t hwcaps; /* the extension's array of string offsets */
    uint32_t hwcaps_count;
    struct nl_fault *fault;
};

/* Whether [at, at + length) is in the file. */
static bool
holds(const struct cache *cache, uint64_t at, uint64_t length)
{
    return at <= cache->size && length <= cache->size - at;
}

static enum nl_status
truncated(const struct cache *cache, const char *what, uint64_t end)
{
    nl_truncated(cache->fault, what, end, cache->size);
    return NL_TRUNCATED_CACHE;
}

static uint32_t
u32_at(const struct cache *cache, size_t at)
{
    return nl_u32(cache->bytes + at, cache->big);
}

static bool
native_big(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

/* The string at `offset` of the string table; NULL where it does not lie in the file or is too long. */
static const char *
string_at(const struct cache *cache, uint32_t offset)
{
    size_t left = cache->size - cache->base;
    if (offset >= left) {
        return NULL;
    }
    left -= offset;
    const unsigned char *string = cache->bytes + cache->base + offset;
    return memchr(string, 0, left < NL_MOST_CACHE_NAME ? left : NL_MOST_CACHE_NAME) ? (const char *)string : NULL;
}

/* Steps over an old-format cache to the new one behind it. */
static enum nl_status
find_base(struct cache *cache)
{
    if (!holds(cache, 0, OLD_HEADER) || memcmp(cache->bytes, OLD_MAGIC, sizeof OLD_MAGIC - 1) != 0) {
        return NL_OK;
    }
    cache->big = native_big();
    uint64_t end = OLD_HEADER + (uint64_t)u32_at(cache, OLD_HEADER - 4) * OLD_ENTRY;
    end = (end + 7) / 8 * 8;
    if (!holds(cache, end, 0)) {
        return truncated(cache, "the old-format entries end", end);
    }
    cache->base = (size_t)end;
    return NL_OK;
}

static enum nl_status
open_header(struct cache *cache)
{
    enum nl_status status = find_base(cache);
    if (status != NL_OK) {
        return status;
    }
    size_t magic = sizeof NEW_MAGIC - 1, left = cache->size - cache->base;
    if (cache->size == 0) {
        return nl_fail(cache->fault, NL_NOT_CACHE, "empty");
    }
    if (memcmp(cache->bytes + cache->base, NEW_MAGIC, left < magic ? left : magic) != 0 || left == 0) {
        return nl_fail(cache->fault, NL_NOT_CACHE,
                       cache->base == 0 ? "no " NEW_MAGIC " in it" : "the old format alone");
    }
    if (left < NEW_HEADER) {
        return truncated(cache, "the header ends", cache->base + NEW_HEADER);
    }
    /* glibc before 2.33 left the byte order unsaid */
    unsigned order = cache->bytes[cache->base + 28] & ENDIAN_MASK;
    cache->big = order == ENDIAN_BIG || (order != ENDIAN_LITTLE && native_big());
    cache->count = u32_at(cache, cache->base + 20);
    uint64_t end = cache->base + NEW_HEADER + (uint64_t)cache->count * NEW_ENTRY;
    return holds(cache, end, 0) ? NL_OK : truncated(cache, "the entries end", end);
}

/* Finds the array of glibc-hwcaps names; a cache without one has no such entries. */
static enum nl_status
open_extension(struct cache *cache)
{
    size_t at = u32_at(cache, cache->base + 32);
    if (at == 0) {
        return NL_OK;
    }
    if (!holds(cache, at, 8)) {
        return truncated(cache, "the extension's header ends", (uint64_t)at + 8);
    }
    if (u32_at(cache, at) != EXTENSION_MAGIC) {
        return NL_OK; /* as glibc does: an extension it does not know */
    }
    uint32_t count = u32_at(cache, at + 4);
    at += 8;
    if (!holds(cache, at, (uint64_t)count * 16)) {
        return truncated(cache, "the extension's sections end", at + (uint64_t)count * 16);
    }
    if (count > NL_MOST_SECTIONS) { /* they are looked at for every name */
        return nl_too_many(cache->fault, "sections of the extension", NL_MOST_SECTIONS);
    }
    for (; count > 0; count--, at += 16) {
        uint32_t offset = u32_at(cache, at + 8), size = u32_at(cache, at + 12);
        if (u32_at(cache, at) != TAG_GLIBC_HWCAPS) {
            continue;
        }
        if (!holds(cache, offset, size)) {
            return truncated(cache, "the names of hwcaps end", (uint64_t)offset + size);
        }
        cache->hwcaps = offset;
        cache->hwcaps_count = size / 4;
    }
    return NL_OK;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads a run of digits; wraps where glibc's int would. */
static int32_t
number(const char **text)
{
    uint32_t value = 0;
    while (is_digit(**text)) {
        value = value * 10 + (uint32_t)(*(*text)++ - '0');
    }
    return (int32_t)value;
}

/* The cache's order, _dl_cache_libcmp: numbers by value, and above everything else. Negative, 0 or positive. */
static int
compare(const char *a, const char *b)
{
    while (*a != '\0') {
        if (is_digit(*a) && is_digit(*b)) {
            int32_t x = number(&a), y = number(&b);
            if (x != y) {
                return x < y ? -1 : 1;
            }
        } else if (is_digit(*a) || is_digit(*b)) {
            return is_digit(*a) ? 1 : -1;
        } else if (*a != *b) {
            return *a - *b;
        } else {
            a++;
            b++;
        }
    }
    return *a - *b;
}

static enum nl_status
key_of(const struct cache *cache, uint32_t index, const char **key)
{
    size_t entry = cache->base + NEW_HEADER + (size_t)index * NEW_ENTRY;
    *key = string_at(cache, u32_at(cache, entry + 4));
    return *key != NULL ? NL_OK : nl_fail(cache->fault, NL_MALFORMED, "a name has no end, or lies outside the cache");
}

/* The first entry that is not above `name`: entries descend. */
static enum nl_status
lower_bound(const struct cache *cache, const char *name, uint32_t *bound)
{
    uint32_t left = 0, right = cache->count;
    enum nl_status status = NL_OK;
    while (status == NL_OK && left < right) {
        uint32_t middle = left + (right - left) / 2;
        const char *key;
        status = key_of(cache, middle, &key);
        if (status == NL_OK && compare(key, name) > 0) {
            left = middle + 1;
        } else {
            right = middle;
        }
    }
    *bound = left;
    return status;
}

static enum nl_status
add_hit(struct nl_cache_hits *hits, const struct nl_cache_hit *hit, struct nl_fault *fault)
{
    if (hits->count == NL_MOST_HITS) {
        return nl_too_many(fault, "entries of one name", NL_MOST_HITS);
    }
    struct nl_cache_hit *items = nl_grow(hits->items, hits->count, &hits->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    hits->items = items;
    hits->items[hits->count++] = *hit;
    return NL_OK;
}

/* Adds an entry, unless its hwcap is a legacy mask or names no known subdirectory. */
static enum nl_status
take_entry(const struct cache *cache, uint32_t index, const char *key, struct nl_cache_hits *hits)
{
    size_t entry = cache->base + NEW_HEADER + (size_t)index * NEW_ENTRY;
    uint64_t hwcap = nl_u64(cache->bytes + entry + 16, cache->big);
    uint32_t high = (uint32_t)(hwcap >> 32), low = (uint32_t)hwcap;
    struct nl_cache_hit hit = {.name = key, .flags = (int32_t)u32_at(cache, entry)};
    if ((high & ~HWCAP_ISA_LEVEL) == HWCAP_EXTENSION) {
        if (low < cache->hwcaps_count) {
            hit.hwcaps = string_at(cache, u32_at(cache, cache->hwcaps + 4 * (size_t)low));
        }
        if (hit.hwcaps == NULL) {
            return NL_OK;
        }
    } else if (hwcap != 0) {
        return NL_OK;
    }
    hit.path = string_at(cache, u32_at(cache, entry + 8));
    if (hit.path == NULL) {
        return nl_fail(cache->fault, NL_MALFORMED, "a path has no end, or lies outside the cache");
    }
    return add_hit(hits, &hit, cache->fault);
}

/* Every entry that is not above `upper`, down to `name`. */
static enum nl_status
search(const struct cache *cache, const char *upper, const char *name, bool stem, struct nl_cache_hits *hits)
{
    uint32_t index;
    size_t length = strlen(name);
    enum nl_status status = lower_bound(cache, upper, &index);
    uint32_t first = index;
    hits->looked = 32 * length;
    for (; status == NL_OK && index < cache->count; index++) {
        const char *key;
        status = key_of(cache, index, &key);
        if (status == NL_OK && index - first == NL_MOST_LOOKED) { /* "a.1" and "a.01" are the same in the order */
            return nl_too_many(cache->fault, "entries in one place of the order", NL_MOST_LOOKED);
        }
        hits->looked += status == NL_OK ? 32 + strlen(key) : 0;
        if (status != NL_OK || compare(key, name) < 0) {
            break;
        }
        bool same = strncmp(key, name, length) == 0;
        if (same && (key[length] == '\0' || (stem && key[length] == '.'))) {
            status = take_entry(cache, index, key, hits);
        }
    }
    return status;
}

enum nl_status
nl_ldcache_search(const unsigned char *bytes, size_t size, const char *name, bool stem, struct nl_cache_hits *hits,
                  struct nl_fault *fault)
{
    struct cache cache = {.bytes = bytes, .size = size, .fault = fault};
    size_t length = strlen(name);
    *hits = (struct nl_cache_hits){.count = 0};
    /* every name + "." + anything lies between name and name + "/", the character after "." */
    char *upper = malloc(length + 2);
    if (upper == NULL) {
        return NL_NO_MEMORY;
    }
    memcpy(upper, name, length + 1);
    if (stem) {
        memcpy(upper + length, "/", 2);
    }
    enum nl_status status = open_header(&cache);
    if (status == NL_OK) {
        status = open_extension(&cache);
    }
    if (status == NL_OK) {
        status = search(&cache, upper, name, stem, hits);
    }
    free(upper);
    return status;
}
