/* The files of a walk, and the names that they answer to. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "walk.h"

enum { BLOCK = 16384 };
enum { ET_EXEC = 2 };

char *
nl_walk_copy(struct nl_walk *walk, const char *text, size_t length)
{
    if (length + 1 > walk->block_left) {
        size_t size = length + 1 > BLOCK / 4 ? length + 1 : BLOCK;
        void **blocks = nl_grow(walk->blocks, walk->block_count, &walk->block_room, sizeof *blocks);
        char *block = blocks == NULL ? NULL : malloc(size);
        walk->blocks = blocks != NULL ? blocks : walk->blocks;
        if (block == NULL) {
            return NULL;
        }
        walk->blocks[walk->block_count++] = block;
        walk->block_next = block;
        walk->block_left = size;
    }
    char *copy = walk->block_next;
    if (text != NULL) {
        memcpy(copy, text, length);
    }
    copy[length] = '\0';
    walk->block_next += length + 1;
    walk->block_left -= length + 1;
    return copy;
}

enum nl_status
nl_walk_spend(struct nl_walk *walk, uint64_t effort)
{
    walk->spent += effort;
    return walk->spent <= NL_MOST_EFFORT ? NL_OK : nl_too_many(&walk->images->fault, "steps of a search", NL_MOST_EFFORT);
}

enum nl_status
nl_texts_add(struct nl_texts *texts, const char *text)
{
    const char **items = nl_grow(texts->items, texts->count, &texts->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    texts->items = items;
    texts->items[texts->count++] = text;
    return NL_OK;
}

/* ---- what is there already ---- */

enum nl_status
nl_walk_name(struct nl_walk *walk, const char *name, uint32_t value)
{
    return nl_map_add(&walk->names, name, strlen(name), value);
}

enum nl_status
nl_walk_known(struct nl_walk *walk, const char *name, const char *path)
{
    char *own_name = nl_walk_copy(walk, name, strlen(name)), *own_path = nl_walk_copy(walk, path, strlen(path));
    if (own_name == NULL || own_path == NULL || nl_texts_add(&walk->loaded, own_path) != NL_OK) {
        return NL_NO_MEMORY;
    }
    return nl_walk_name(walk, own_name, NL_IS_LOADED | (walk->loaded.count - 1));
}

enum nl_status
nl_walk_process(struct nl_walk *walk)
{
    const struct nl_linkmap *map = &walk->images->process;
    enum nl_status status = nl_images_process(walk->images);
    walk->process = true;
    walk->mapped = walk->loaded.count;
    for (size_t i = 0; status == NL_OK && i < map->count; i++) {
        const struct nl_image *image = &map->items[i];
        const char *slash = strrchr(image->path, '/');
        status = nl_walk_known(walk, image->soname != NULL ? image->soname : image->path, image->path);
        if (status == NL_OK) {
            const char *path = walk->loaded.items[walk->loaded.count - 1];
            status = nl_walk_name(walk, path, NL_IS_LOADED | (walk->loaded.count - 1));
            if (status == NL_OK && slash != NULL) {
                status = nl_texts_add(&walk->basenames, path + (slash + 1 - image->path));
            }
        }
    }
    walk->mapped_end = walk->loaded.count;
    return status;
}

bool
nl_walk_may_know(const struct nl_walk *walk, const char *name)
{
    for (uint32_t i = 0; i < walk->basenames.count; i++) {
        if (strcmp(walk->basenames.items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

bool
nl_walk_requested(struct nl_walk *walk, struct nl_edge *edge)
{
    char path[4096];
    if (!nl_loaded_path(edge->name, path, sizeof path)) {
        return false;
    }
    edge->how = NL_LOADED;
    edge->path = nl_walk_copy(walk, path, strlen(path));
    return edge->path != NULL && nl_walk_known(walk, edge->name, path) == NL_OK;
}

/* ---- nodes ---- */

bool
nl_is_program(const struct nl_facts *facts)
{
    return facts->type == ET_EXEC || (facts->interp != 0 && facts->soname == 0);
}

/* $ORIGIN of a program is where its real file is, of anything else where it was found. */
static enum nl_status
find_origin(struct nl_walk *walk, struct nl_node *node)
{
    char *real = node->program ? nl_file_real(walk->images->root, node->path) : NULL;
    char *working = NULL;
    const char *path = real != NULL ? real : node->path;
    const char *slash = strrchr(path, '/');
    bool relative = *path != '/';
    if (walk->rules->musl && relative) { /* it stays so */
        path = slash == NULL ? "./" : path;
        slash = strrchr(path, '/');
        relative = false;
    }
    node->origin_length = slash == NULL ? 0 : (uint32_t)(slash - path);
    if (slash == path && !walk->rules->musl) {
        node->origin_length = 1;
    }
    if (relative) { /* below the working directory, where there is one */
        working = walk->images->root < 0 ? nl_os_working_directory() : strdup("");
    }
    size_t below = working != NULL ? strlen(working) : 0;
    char *origin = nl_walk_copy(walk, NULL, below + 1 + node->origin_length);
    if (origin != NULL && working != NULL) {
        memcpy(origin, working, below);
        origin[below] = '/';
        memcpy(origin + below + 1, path, node->origin_length);
        node->origin_length += (uint32_t)below + (node->origin_length > 0);
    } else if (origin != NULL) {
        memcpy(origin, path, node->origin_length);
    }
    node->origin = origin;
    free(real);
    free(working);
    return origin != NULL ? NL_OK : NL_NO_MEMORY;
}

enum { FILE_KEY = 16 };

static void
file_key(const struct nl_facts *facts, char key[FILE_KEY])
{
    memcpy(key, &facts->signature.dev, 8);
    memcpy(key + 8, &facts->signature.ino, 8);
}

int32_t
nl_walk_node_of(struct nl_walk *walk, const struct nl_facts *facts)
{
    char key[FILE_KEY];
    file_key(facts, key);
    const struct nl_slot *slot = nl_map_get(&walk->files, key, sizeof key);
    return slot == NULL ? -1 : (int32_t)slot->value;
}

/* Whether who is loaded by a node, or by what that loads, is looked for in its rpath. */
static bool
bequeaths(const struct nl_rules *rules, const struct nl_facts *facts)
{
    return rules->musl ? facts->rpath != 0 || facts->runpath != 0 : facts->rpath != 0 && facts->runpath == 0;
}

enum nl_status
nl_walk_add(struct nl_walk *walk, const char *path, struct nl_facts *facts, int32_t loader, int32_t *added)
{
    char key[FILE_KEY];
    if (walk->node_count == NL_MOST_NODES) {
        return nl_too_many(&walk->images->fault, "files needed", NL_MOST_NODES);
    }
    struct nl_node *nodes = nl_grow(walk->nodes, walk->node_count, &walk->node_room, sizeof *nodes);
    if (nodes == NULL) {
        return NL_NO_MEMORY;
    }
    walk->nodes = nodes;
    struct nl_node *node = &nodes[walk->node_count];
    *node = (struct nl_node){.facts = facts, .path = path, .loader = loader, .program = nl_is_program(facts)};
    node->above = node->next = node->previous = -1;
    if (loader >= 0) {
        node->above = bequeaths(walk->rules, nodes[loader].facts) ? loader : nodes[loader].above;
    }
    *added = (int32_t)walk->node_count++;
    enum nl_status status = find_origin(walk, node);
    file_key(facts, key);
    char *kept = nl_walk_copy(walk, key, sizeof key);
    bool found = !node->program || walk->rules->musl; /* glibc does not know the program's file again */
    if (status == NL_OK && found) {
        status = kept == NULL ? NL_NO_MEMORY : nl_map_add(&walk->files, kept, sizeof key, (uint32_t)*added);
    }
    if (status == NL_OK && !walk->rules->musl) { /* musl matches by file identity, and by the name searched for */
        const char *soname = nl_text(facts, facts->soname);
        status = found ? nl_walk_name(walk, path, (uint32_t)*added) : NL_OK;
        if (status == NL_OK && soname != NULL) {
            status = nl_walk_name(walk, soname, (uint32_t)*added);
        }
    }
    return status;
}

void
nl_walk_append(struct nl_walk *walk, int32_t index)
{
    walk->nodes[index].previous = walk->last;
    if (walk->last >= 0) {
        walk->nodes[walk->last].next = index;
    } else {
        walk->first = index;
    }
    walk->last = index;
}

void
nl_walk_free(struct nl_walk *walk)
{
    for (uint32_t i = 0; i < walk->node_count; i++) {
        free(walk->nodes[i].rpath.items);
        free(walk->nodes[i].runpath.items);
    }
    for (uint32_t i = 0; i < walk->block_count; i++) {
        free(walk->blocks[i]);
    }
    free(walk->nodes);
    free(walk->edges);
    free(walk->tries);
    free(walk->lacks);
    free(walk->loaded.items);
    free(walk->basenames.items);
    free(walk->blocks);
    free(walk->buffer);
    nl_map_free(&walk->names);
    nl_map_free(&walk->files);
}
