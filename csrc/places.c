#define _GNU_SOURCE
#include "places.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"

/* ---- the names in one directory ---- */

/* Collects the names, each with its NUL, one after the other. */
static enum nl_status
collect(struct nl_listing *listing, struct nl_names *names)
{
    size_t used = 0, room = 0;
    const char *name;
    while ((name = nl_os_next(listing)) != NULL) {
        size_t length = strlen(name) + 1;
        if (strstr(name, ".so") == NULL || names->count == UINT32_MAX / 16) {
            continue;
        }
        if (room - used < length) {
            room = 2 * room + 4096;
            char *text = realloc(names->text, room);
            if (text == NULL) {
                return NL_NO_MEMORY;
            }
            names->text = text;
        }
        memcpy(names->text + used, name, length);
        used += length;
        names->count++;
    }
    return NL_OK;
}

static void
names_free(struct nl_names *names)
{
    if (names != NULL && --names->users == 0) {
        free(names->text);
        free(names->items);
        nl_map_free(&names->stems);
        free(names);
    }
}

/* The part of a name by which it is found: up to the first ".so", with it; 0 without one. */
static size_t
stem_of(const char *name)
{
    const char *dot = strstr(name, ".so");
    return dot == NULL ? 0 : (size_t)(dot + 3 - name);
}

/* Chains the names of one stem. */
static enum nl_status
chain(struct nl_names *names)
{
    enum nl_status status = NL_OK;
    const char *at = names->text;
    names->items = malloc((names->count + 1u) * sizeof *names->items);
    if (names->items == NULL) {
        return NL_NO_MEMORY;
    }
    for (uint32_t i = 0; status == NL_OK && i < names->count; i++, at += strlen(at) + 1) {
        const struct nl_slot *slot = nl_map_get(&names->stems, at, stem_of(at));
        names->items[i] = (struct nl_chained){.name = at, .next = slot == NULL ? UINT32_MAX : slot->value};
        status = nl_map_put(&names->stems, at, stem_of(at), i);
    }
    return status;
}

/* What cannot be listed has no names. */
static enum nl_status
names_read(const char *directory, struct nl_names **result)
{
    struct nl_names *names = calloc(1, sizeof *names);
    if (names == NULL) {
        return NL_NO_MEMORY;
    }
    names->users = 1;
    struct nl_listing *listing = nl_os_list(directory);
    enum nl_status status = listing == NULL ? NL_OK : collect(listing, names);
    if (listing != NULL) {
        nl_os_list_end(listing);
    }
    status = status == NL_OK ? chain(names) : status;
    if (status != NL_OK) {
        names_free(names);
        return status;
    }
    *result = names;
    return NL_OK;
}

/* ---- what is watched ---- */

static void
forget(struct nl_places *places)
{
    for (uint32_t i = 0; i < places->count; i++) {
        free(places->items[i].path);
        names_free(places->items[i].names);
    }
    places->count = places->searched_count = 0;
}

void
nl_places_free(struct nl_places *places)
{
    forget(places);
    free(places->items);
    free(places->searched);
    *places = (struct nl_places){.count = 0};
}

static struct nl_place *
known(const struct nl_places *places, const char *path, size_t length)
{
    for (uint32_t i = 0; i < places->count; i++) {
        struct nl_place *place = &places->items[i];
        if (strncmp(place->path, path, length) == 0 && place->path[length] == '\0') {
            return place;
        }
    }
    return NULL;
}

/* Watches the path that the first `length` bytes are, once; its state is taken now. */
static enum nl_status
watch(struct nl_places *places, const char *path, size_t length, uint32_t directory, struct nl_place **place)
{
    *place = known(places, path, length);
    if (*place != NULL) {
        return NL_OK;
    }
    struct nl_place *items = nl_grow(places->items, places->count, &places->room, sizeof *items);
    char *copy = malloc(length + 1);
    places->items = items != NULL ? items : places->items;
    if (items == NULL || copy == NULL) {
        free(copy);
        return NL_NO_MEMORY;
    }
    memcpy(copy, path, length);
    copy[length] = '\0';
    *place = &items[places->count++];
    **place = (struct nl_place){.path = copy, .directory = directory};
    (*place)->state = nl_state(copy);
    return NL_OK;
}

/* The names in a place; those of an earlier one, where that is the same directory. */
static enum nl_status
list(struct nl_places *places, struct nl_place *place)
{
    for (uint32_t i = 0; i < places->count; i++) {
        struct nl_names *names = places->items[i].names;
        if (names != NULL && nl_same_signature(&places->items[i].state, &place->state)) {
            names->users++;
            place->names = names;
            return NL_OK;
        }
    }
    return names_read(place->path, &place->names);
}

static enum nl_status
search_in(struct nl_places *places, const char *path, uint32_t directory)
{
    struct nl_place *place;
    enum nl_status status = watch(places, path, strlen(path), directory, &place);
    if (status != NL_OK || place->searched) {
        return status;
    }
    uint32_t *searched = nl_grow(places->searched, places->searched_count, &places->searched_room, sizeof *searched);
    if (searched == NULL) {
        return NL_NO_MEMORY;
    }
    places->searched = searched;
    searched[places->searched_count++] = (uint32_t)(place - places->items);
    place->searched = true;
    place->directory = directory;
    return list(places, place);
}

/* One directory, and before it those of its subdirectories whose first part is there: it is watched too. */
static enum nl_status
add_directory(struct nl_places *places, const char *path, uint32_t directory, const char *const *subdirectories,
              uint32_t count)
{
    size_t length = strlen(path), most = 0;
    struct nl_place *top;
    for (uint32_t i = 0; i < count; i++) {
        most = strlen(subdirectories[i]) > most ? strlen(subdirectories[i]) : most;
    }
    char *below = malloc(length + 1 + most + 1);
    /* its state first: what appears in it from now on changes that */
    enum nl_status status = below == NULL ? NL_NO_MEMORY : watch(places, path, length, directory, &top);
    if (status == NL_OK && length > 0) {
        memcpy(below, path, length);
        below[length] = '/';
    }
    const char *absent = NULL; /* the last first part that is not there: the next one is often the same */
    for (uint32_t i = 0; status == NL_OK && i < count; i++) {
        size_t first = strcspn(subdirectories[i], "/"), part = length + 1 + first;
        if (absent != NULL && strncmp(absent, subdirectories[i], first) == 0 && strcspn(absent, "/") == first) {
            continue;
        }
        strcpy(below + length + 1, subdirectories[i]);
        const char after = below[part];
        below[part] = '\0';
        bool there = known(places, below, part) != NULL || nl_file_is_directory(-1, below);
        if (there) {
            status = watch(places, below, part, directory, &top);
            below[part] = after;
            status = status == NL_OK ? search_in(places, below, directory) : status;
        } else {
            absent = subdirectories[i];
        }
    }
    free(below);
    return status == NL_OK ? search_in(places, path, directory) : status;
}

static bool
changed(const struct nl_places *places)
{
    for (uint32_t i = 0; i < places->count; i++) {
        struct nl_signature state = nl_state(places->items[i].path);
        if (!nl_same_signature(&state, &places->items[i].state)) {
            return true;
        }
    }
    return places->count == 0;
}

enum nl_status
nl_places_look(struct nl_places *places, const char *const *directories, uint32_t count, const char *const *subdirectories,
               uint32_t subdirectory_count)
{
    enum nl_status status = NL_OK;
    if (!changed(places)) {
        return NL_OK;
    }
    forget(places);
    places->version++;
    for (uint32_t i = 0; status == NL_OK && i < count; i++) {
        status = add_directory(places, directories[i], i, subdirectories, subdirectory_count);
    }
    if (status != NL_OK) { /* half of them would be taken for all */
        forget(places);
    }
    return status;
}

/* ---- a name in them ---- */

/* The first of the names that have the stem of `name`, UINT32_MAX for none. */
static uint32_t
first_of(const struct nl_names *names, const char *name)
{
    size_t length = stem_of(name);
    const struct nl_slot *slot = length == 0 ? NULL : nl_map_get(&names->stems, name, length);
    return slot == NULL ? UINT32_MAX : slot->value;
}

/* Adds a file, unless it is among those from `start` to `end`. */
static enum nl_status
take(struct nl_finds *finds, const struct nl_place *place, const char *name, uint32_t start, uint32_t end)
{
    for (uint32_t i = start; i < end; i++) {
        if (finds->items[i].name == name) {
            return NL_OK;
        }
    }
    struct nl_found *items = nl_grow(finds->items, finds->count, &finds->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    finds->items = items;
    items[finds->count++] = (struct nl_found){.place = place, .name = name};
    return NL_OK;
}

/* Steps to the next part of a version that is a number: its digits without the zeros before them, and how many. */
static bool
next_number(const char **version, const char **digits, size_t *count)
{
    while (**version == '.') {
        const char *part = ++*version;
        size_t length = strcspn(part, "."), numeric = strspn(part, "0123456789");
        *version += length;
        if (length > 0 && numeric == length) {
            size_t zeros = strspn(part, "0");
            *digits = part + zeros;
            *count = length > zeros ? length - zeros : 0;
            return true;
        }
    }
    return false;
}

/* Orders what follows ".so": nothing first, then the newest, compared number by number, then by bytes. */
static int
compare_age(const void *left, const void *right)
{
    const struct nl_found *a = left, *b = right;
    const char *x = strstr(a->name, ".so") + 3, *y = strstr(b->name, ".so") + 3, *m, *n;
    size_t m_count, n_count;
    if ((*x == '\0') != (*y == '\0')) {
        return *x == '\0' ? -1 : 1;
    }
    for (;;) {
        bool more_x = next_number(&x, &m, &m_count), more_y = next_number(&y, &n, &n_count);
        if (!more_x || !more_y) {
            return more_x ? 1 : more_y ? -1 : strcmp(a->name, b->name);
        }
        int order = m_count != n_count ? (m_count > n_count ? -1 : 1) : -memcmp(m, n, m_count);
        if (order != 0) {
            return order;
        }
    }
}

static enum nl_status
find_in(const struct nl_place *place, const char *name, const char *const *first, uint32_t count, struct nl_finds *finds)
{
    const struct nl_names *names = place->names;
    enum nl_status status = NL_OK;
    uint32_t start = finds->count;
    for (uint32_t i = 0; status == NL_OK && i < count; i++) {
        for (uint32_t at = first_of(names, first[i]); status == NL_OK && at != UINT32_MAX; at = names->items[at].next) {
            if (strcmp(names->items[at].name, first[i]) == 0) {
                status = take(finds, place, names->items[at].name, start, finds->count);
            }
        }
    }
    size_t length = strlen(name);
    bool versions = length >= 3 && strcmp(name + length - 3, ".so") == 0;
    uint32_t known_count = finds->count;
    for (uint32_t at = first_of(names, name); status == NL_OK && at != UINT32_MAX; at = names->items[at].next) {
        const char *one = names->items[at].name;
        if (strncmp(one, name, length) == 0 && (one[length] == '\0' || (versions && one[length] == '.'))) {
            status = take(finds, place, one, start, known_count);
        }
    }
    if (status == NL_OK && finds->count > known_count + 1) {
        qsort(finds->items + known_count, finds->count - known_count, sizeof *finds->items, compare_age);
    }
    return status;
}

enum nl_status
nl_places_find(const struct nl_places *places, const char *name, const char *const *first, uint32_t count,
               struct nl_finds *finds)
{
    enum nl_status status = NL_OK;
    for (uint32_t i = 0; status == NL_OK && i < places->searched_count; i++) {
        status = find_in(&places->items[places->searched[i]], name, first, count, finds);
    }
    return status;
}
