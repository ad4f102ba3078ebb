/* Search in the bytes of an ld.so.cache, as glibc's own search does it.
 *
 * The layout is glibc's sysdeps/generic/dl-cache.h: the new format ("glibc-ld.so.cache1.1"), alone or after
 * an old-format one, in the byte order its header tells.
 */
#ifndef NATIVELOAD_LDCACHE_H
#define NATIVELOAD_LDCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define NL_MOST_HITS 1024u        /* entries of one name, or one stem */
#define NL_MOST_LOOKED 65536u     /* entries in the order's neighbourhood of a name */
#define NL_MOST_SECTIONS 64u      /* of the cache's extension; glibc writes two */
#define NL_MOST_CACHE_NAME 4096u  /* bytes of one string */

/* Pointers into the cache's bytes; hwcaps is NULL for an ordinary entry. */
struct nl_cache_hit {
    const char *name;
    const char *path;
    const char *hwcaps;
    int32_t flags;
};

struct nl_cache_hits {
    struct nl_cache_hit *items;
    uint32_t count;
    uint32_t room;
    uint64_t looked; /* bytes of names that were compared */
};

/* Finds the entries named `name` or, with `stem`, `name` + "." + anything, in the cache's order. Free
 * hits->items whatever the answer. */
enum nl_status nl_ldcache_search(const unsigned char *bytes, size_t size, const char *name, bool stem,
                                 struct nl_cache_hits *hits, struct nl_fault *fault);

#endif
