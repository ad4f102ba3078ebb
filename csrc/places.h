/* The shared libraries in directories that are searched, read again only when one of them has changed. */
#ifndef NATIVELOAD_PLACES_H
#define NATIVELOAD_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "file.h"
#include "map.h"
#include "status.h"

/* A name, and the next one that is the same up to its first ".so"; UINT32_MAX for none. */
struct nl_chained {
    const char *name;
    uint32_t next;
};

/* The names in one directory that have ".so" in them. */
struct nl_names {
    char *text;
    struct nl_chained *items;
    struct nl_map stems; /* the last item of each */
    uint32_t count;
    uint32_t users; /* places: /lib is often /usr/lib */
};

/* A path that is watched; `names` is NULL where it is not searched. */
struct nl_place {
    char *path;
    uint32_t directory; /* which of those that were given it is, or is below */
    bool searched;
    struct nl_signature state;
    struct nl_names *names;
};

struct nl_places {
    struct nl_place *items;
    uint32_t count;
    uint32_t room;
    uint32_t *searched; /* the items that are searched, in order */
    uint32_t searched_count;
    uint32_t searched_room;
    uint64_t version; /* another one whenever they have been read again */
};

/* A file: the place it is in, and its name there, which is valid until the next look. */
struct nl_found {
    const struct nl_place *place;
    const char *name;
};

struct nl_finds {
    struct nl_found *items;
    uint32_t count;
    uint32_t room;
};

/* Reads the directories, and those of the `subdirectories` of each that are there, which come before it; again where
 * any of them has changed since the last look. The state of each is taken before it is read. */
enum nl_status nl_places_look(struct nl_places *places, const char *const *directories, uint32_t count,
                              const char *const *subdirectories, uint32_t subdirectory_count);

/* Adds the files that a name stands for, place by place: of each the `first` that it has, in their order, then the name
 * itself and, where it ends in ".so", those that go on with a "." and a version, the newest first. Free finds->items. */
enum nl_status nl_places_find(const struct nl_places *places, const char *name, const char *const *first, uint32_t count,
                              struct nl_finds *finds);

void nl_places_free(struct nl_places *places);

#endif
