/* A hash table from strings to small integers. The strings stay the caller's. */
#ifndef NATIVELOAD_MAP_H
#define NATIVELOAD_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

struct nl_slot {
    const char *key; /* NULL: free */
    uint32_t length;
    uint32_t hash;
    uint32_t value;
};

struct nl_map {
    struct nl_slot *slots;
    uint32_t room; /* a power of two, or 0 */
    uint32_t count;
};

/* Where a key is; NULL where it is not. */
const struct nl_slot *nl_map_get(const struct nl_map *map, const char *key, size_t length);

/* Adds a key, or replaces the value it has. */
enum nl_status nl_map_put(struct nl_map *map, const char *key, size_t length, uint32_t value);

/* Adds a key that is not there yet; leaves one that is. */
enum nl_status nl_map_add(struct nl_map *map, const char *key, size_t length, uint32_t value);

void nl_map_free(struct nl_map *map);

#endif
