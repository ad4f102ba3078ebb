#include "map.h"

#include <stdlib.h>
#include <string.h>

static uint64_t
mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

/* Eight bytes a step, started from an address, so that no file can be made to fill one chain. */
static uint32_t
hash_of(const char *key, size_t length)
{
    static const char start;
    uint64_t hash = (uint64_t)(uintptr_t)&start ^ length, word;
    for (; length >= sizeof word; key += sizeof word, length -= sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = mixed(hash, word);
    }
    word = 0;
    memcpy(&word, key, length);
    hash = mixed(hash, word);
    return (uint32_t)(hash ^ hash >> 32);
}

/* The key's slot, or the free one where it belongs; the table has a free slot. */
static struct nl_slot *
slot_of(const struct nl_map *map, const char *key, size_t length, uint32_t hash)
{
    uint32_t at = hash & (map->room - 1);
    for (;; at = (at + 1) & (map->room - 1)) {
        struct nl_slot *slot = &map->slots[at];
        if (slot->key == NULL || (slot->hash == hash && slot->length == length && memcmp(slot->key, key, length) == 0)) {
            return slot;
        }
    }
}

const struct nl_slot *
nl_map_get(const struct nl_map *map, const char *key, size_t length)
{
    if (map->count == 0) {
        return NULL;
    }
    const struct nl_slot *slot = slot_of(map, key, length, hash_of(key, length));
    return slot->key == NULL ? NULL : slot;
}

static enum nl_status
grow(struct nl_map *map)
{
    struct nl_map bigger = {.room = map->room ? 2 * map->room : 64, .count = map->count};
    bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
    if (bigger.slots == NULL) {
        return NL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < map->room; i++) {
        const struct nl_slot *slot = &map->slots[i];
        if (slot->key != NULL) {
            *slot_of(&bigger, slot->key, slot->length, slot->hash) = *slot;
        }
    }
    free(map->slots);
    *map = bigger;
    return NL_OK;
}

static enum nl_status
put(struct nl_map *map, const char *key, size_t length, uint32_t value, bool replace)
{
    uint32_t hash = hash_of(key, length);
    if (4 * (uint64_t)(map->count + 1) > 3 * (uint64_t)map->room) {
        enum nl_status status = grow(map);
        if (status != NL_OK) {
            return status;
        }
    }
    struct nl_slot *slot = slot_of(map, key, length, hash);
    if (slot->key == NULL) {
        *slot = (struct nl_slot){.key = key, .length = (uint32_t)length, .hash = hash, .value = value};
        map->count++;
    } else if (replace) {
        slot->value = value;
        slot->key = key;
    }
    return NL_OK;
}

enum nl_status
nl_map_put(struct nl_map *map, const char *key, size_t length, uint32_t value)
{
    return put(map, key, length, value, true);
}

enum nl_status
nl_map_add(struct nl_map *map, const char *key, size_t length, uint32_t value)
{
    return put(map, key, length, value, false);
}

void
nl_map_free(struct nl_map *map)
{
    free(map->slots);
    *map = (struct nl_map){.room = 0};
}
