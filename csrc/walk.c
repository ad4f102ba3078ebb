#define _GNU_SOURCE
#include "walk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

enum { BLOCK = 16384 };
enum { ET_EXEC = 2 };

/* Makes room for one item more in a growing array. */
static void *
grow(void *items, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    uint32_t more = *room ? 2 * *room : 32;
    void *bigger = realloc(items, more * size);
    if (bigger != NULL) {
        *room = more;
    }
    return bigger;
}

char *
nl_walk_copy(struct nl_walk *walk, const char *text, size_t length)
{
    if (length + 1 > walk->block_left) {
        size_t size = length + 1 > BLOCK / 4 ? length + 1 : BLOCK;
        void **blocks = grow(walk->blocks, walk->block_count, &walk->block_room, sizeof *blocks);
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
    const char **items = grow(texts->items, texts->count, &texts->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    texts->items = items;
    texts->items[texts->count++] = text;
    return NL_OK;
}

/* ---- what is there already ---- */

static enum nl_status
name_node(struct nl_walk *walk, const char *name, uint32_t value)
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
    return name_node(walk, own_name, NL_IS_LOADED | (walk->loaded.count - 1));
}

enum nl_status
nl_walk_process(struct nl_walk *walk)
{
    struct nl_linkmap map;
    enum nl_status status = nl_linkmap_read(&map);
    walk->process = true;
    for (size_t i = 0; status == NL_OK && i < map.count; i++) {
        const struct nl_image *image = &map.items[i];
        const char *slash = strrchr(image->path, '/');
        status = nl_walk_known(walk, image->soname != NULL ? image->soname : image->path, image->path);
        if (status == NL_OK) {
            const char *path = walk->loaded.items[walk->loaded.count - 1];
            status = name_node(walk, path, NL_IS_LOADED | (walk->loaded.count - 1));
            if (status == NL_OK && slash != NULL) {
                status = nl_texts_add(&walk->basenames, path + (slash + 1 - image->path));
            }
        }
    }
    nl_linkmap_free(&map);
    return status;
}

/* Whether an image has this file name, though perhaps another DT_SONAME: it may have been requested by it. */
static bool
may_know(const struct nl_walk *walk, const char *name)
{
    for (uint32_t i = 0; i < walk->basenames.count; i++) {
        if (strcmp(walk->basenames.items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Fills the edge where the process has an image that was once requested by its name, which its linker alone knows. */
static bool
requested(struct nl_walk *walk, struct nl_edge *edge)
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

static bool
is_program(const struct nl_facts *facts)
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
        working = walk->images->root < 0 ? getcwd(NULL, 0) : strdup("");
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

/* The node of a file that is mapped under whatever name, -1 where there is none. */
static int32_t
node_of_file(struct nl_walk *walk, const struct nl_facts *facts)
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

/* Adds a node, not yet in the order, and all names that it answers to. */
static enum nl_status
add_node(struct nl_walk *walk, const char *path, struct nl_facts *facts, int32_t loader, int32_t *added)
{
    char key[FILE_KEY];
    if (walk->node_count == NL_MOST_NODES) {
        return nl_too_many(&walk->images->fault, "files needed", NL_MOST_NODES);
    }
    struct nl_node *nodes = grow(walk->nodes, walk->node_count, &walk->node_room, sizeof *nodes);
    if (nodes == NULL) {
        return NL_NO_MEMORY;
    }
    walk->nodes = nodes;
    struct nl_node *node = &nodes[walk->node_count];
    *node = (struct nl_node){.facts = facts, .path = path, .loader = loader, .program = is_program(facts)};
    node->above = node->next = node->previous = -1;
    if (loader >= 0) {
        node->above = bequeaths(walk->rules, nodes[loader].facts) ? loader : nodes[loader].above;
    }
    *added = (int32_t)walk->node_count++;
    enum nl_status status = find_origin(walk, node);
    file_key(facts, key);
    char *kept = nl_walk_copy(walk, key, sizeof key);
    if (status == NL_OK) {
        status = kept == NULL ? NL_NO_MEMORY : nl_map_add(&walk->files, kept, sizeof key, (uint32_t)*added);
    }
    if (status == NL_OK && !walk->rules->musl) { /* musl matches by file identity, and by the name searched for */
        const char *soname = nl_text(facts, facts->soname);
        status = name_node(walk, path, (uint32_t)*added);
        if (status == NL_OK && soname != NULL) {
            status = name_node(walk, soname, (uint32_t)*added);
        }
    }
    return status;
}

static void
append(struct nl_walk *walk, int32_t index)
{
    walk->nodes[index].previous = walk->last;
    if (walk->last >= 0) {
        walk->nodes[walk->last].next = index;
    } else {
        walk->first = index;
    }
    walk->last = index;
}

/* ---- edges ---- */

static const char *const MUSL_OWN[] = {"libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet."};

/* By which musl knows a C library, its own or another (load_library in ldso/dynlink.c). */
static const char *const LIBC_EXPORTS[] = {"__libc_start_main", "stdin"};

/* Fills the edge where the name is answered by what is there; `index` is the node, -1 where it is none. */
static enum nl_status
answered(struct nl_walk *walk, struct nl_edge *edge, int32_t *index)
{
    const struct nl_slot *slot = nl_map_get(&walk->names, edge->name, strlen(edge->name));
    *index = -1;
    if (slot != NULL) {
        edge->how = NL_LOADED;
        edge->path = slot->value & NL_IS_LOADED ? walk->loaded.items[slot->value & ~NL_IS_LOADED]
                                                : walk->nodes[slot->value].path;
        *index = slot->value & NL_IS_LOADED ? -1 : (int32_t)slot->value;
        return NL_OK;
    }
    if (walk->process && may_know(walk, edge->name)) {
        requested(walk, edge);
    }
    return NL_OK;
}

/* Whether a name is that of the linker itself, which is there before all others; musl's is also its C library, and
 * known by its path. */
static bool
is_linker(const struct nl_rules *rules, const char *name)
{
    const char *slash = strrchr(rules->self, '/');
    for (size_t i = 0; rules->musl && i < sizeof MUSL_OWN / sizeof *MUSL_OWN; i++) {
        if (strncmp(name, MUSL_OWN[i], strlen(MUSL_OWN[i])) == 0) {
            return true;
        }
    }
    return slash != NULL && strcmp(name, rules->musl ? rules->self : slash + 1) == 0;
}

/* Adds the linker itself, where it can be read. */
static enum nl_status
add_linker(struct nl_walk *walk, struct nl_edge *edge, int32_t *index, bool *fresh)
{
    const char *path = walk->rules->self;
    struct nl_facts *facts;
    enum nl_status status = nl_images_read(walk->images, path, strlen(path), &facts);
    if (status != NL_OK || facts->status != NL_OK) {
        return status == NL_NO_MEMORY ? status : NL_OK;
    }
    edge->how = NL_LOADED;
    edge->path = path;
    *index = node_of_file(walk, facts);
    *fresh = *index < 0;
    status = *fresh ? add_node(walk, path, facts, -1, index) : NL_OK;
    return status == NL_OK ? name_node(walk, edge->name, (uint32_t)*index) : status;
}

/* Makes a file that was found answer to the name, as its linker has it. */
static enum nl_status
name_found(struct nl_walk *walk, const char *name, int32_t index)
{
    struct nl_node *node = &walk->nodes[index];
    if (!walk->rules->musl) {
        return name_node(walk, name, (uint32_t)index);
    }
    if (node->named || strchr(name, '/') != NULL) {
        return NL_OK;
    }
    const char *slash = strrchr(node->path, '/');
    node->named = true;
    return name_node(walk, slash == NULL ? node->path : slash + 1, (uint32_t)index);
}

/* Resolves one name for a node. `index` is the node that answers, -1 for none; `fresh` whether it is a new one. */
static enum nl_status
resolve(struct nl_walk *walk, int32_t requester, struct nl_edge *edge, int32_t *index, bool *fresh)
{
    struct nl_facts *facts = NULL;
    *fresh = false;
    enum nl_status status = answered(walk, edge, index);
    if (status == NL_OK && edge->how == NL_MISSING && is_linker(walk->rules, edge->name)) {
        status = add_linker(walk, edge, index, fresh);
    }
    if (status != NL_OK || edge->how != NL_MISSING) {
        return status;
    }
    status = nl_search(walk, requester, edge, &facts);
    if (status != NL_OK || facts == NULL) {
        if (status == NL_OK && edge->path == NULL && walk->process) {
            requested(walk, edge);
        }
        return status;
    }
    *index = node_of_file(walk, facts);
    if (*index < 0 && walk->rules->musl && nl_images_exports(walk->images, edge->path, LIBC_EXPORTS, 2)) {
        return add_linker(walk, edge, index, fresh); /* no second C library is mapped */
    }
    if (*index >= 0) { /* the same file under another name */
        edge->how = NL_LOADED;
        edge->path = walk->nodes[*index].path;
        edge->owner = -1;
    } else {
        *fresh = true;
        status = add_node(walk, edge->path, facts, requester, index);
    }
    /* by the name it was searched by it is known from now on */
    return status == NL_OK ? name_found(walk, edge->name, *index) : status;
}

/* Whether a node comes after another in the order. */
static bool
comes_after(struct nl_walk *walk, int32_t index, int32_t other)
{
    int32_t at = walk->nodes[other].next;
    while (at >= 0 && at != index) {
        at = walk->nodes[at].next;
        walk->spent++;
    }
    return at >= 0;
}

/* Puts a node where a DT_AUXILIARY or DT_FILTER of `owner` wants it: before the owner, unless it is already. */
static void
put_before(struct nl_walk *walk, int32_t index, bool fresh, int32_t owner)
{
    struct nl_node *nodes = walk->nodes, *node = &nodes[index];
    if (index == owner || (!fresh && !comes_after(walk, index, owner))) {
        return;
    }
    if (!fresh) {
        nodes[node->previous].next = node->next; /* there is one: the owner is before it */
        if (node->next >= 0) {
            nodes[node->next].previous = node->previous;
        } else {
            walk->last = node->previous;
        }
    }
    walk->filter = walk->filter < 0 ? index : walk->filter;
    node->next = owner;
    node->previous = nodes[owner].previous;
    nodes[owner].previous = index;
    if (node->previous < 0) {
        walk->first = index;
    } else {
        nodes[node->previous].next = index;
    }
}

/* Whether a filter of `owner` is one that `owner` is a filter of: it would be moved before the owner, which would be
 * followed again and moved before it, until glibc's linker has no stack left. */
static bool
never_ends(struct nl_walk *walk, int32_t index, int32_t owner)
{
    return index >= 0 && index != owner && walk->nodes[index].done && comes_after(walk, index, owner);
}

static enum nl_status
follow(struct nl_walk *walk, int32_t requester, const char *name, enum nl_kind kind)
{
    int32_t index = -1;
    bool fresh = false;
    struct nl_edge edge = {.how = NL_MISSING, .kind = kind, .node = -1, .owner = -1};
    struct nl_edge *edges = grow(walk->edges, walk->edge_count, &walk->edge_room, sizeof *edges);
    if (edges == NULL) {
        return NL_NO_MEMORY;
    }
    walk->edges = edges;
    enum nl_status status = nl_walk_spend(walk, strlen(name));
    if (walk->edge_count == NL_MOST_NAMES) {
        status = nl_too_many(&walk->images->fault, "names of files needed", NL_MOST_NAMES);
    }
    edge.name = name;
    if (walk->rules->secure && nl_has_token(walk, &walk->nodes[requester], name)) {
        kind = edge.kind = kind == NL_AUXILIARY ? NL_FILTERED : kind;
        edge.fatal = "a privileged program takes no dynamic string token there";
    } else if (status == NL_OK && strchr(name, '$') != NULL && !walk->rules->musl) {
        const char *expanded;
        status = nl_expand(walk, &walk->nodes[requester], name, strlen(name), &expanded);
        edge.name = expanded != NULL ? expanded : name;
        if (expanded == NULL) {
            edge.fatal = "a dynamic string token in it stands for nothing";
        }
    }
    if (status == NL_OK && edge.fatal == NULL) {
        status = resolve(walk, requester, &edge, &index, &fresh);
    }
    if (status != NL_OK) {
        return status;
    }
    if (kind != NL_NEEDED && !fresh && never_ends(walk, index, requester)) {
        kind = edge.kind = NL_FILTERED;
        edge.fatal = "each is a filter for the other, and the linker never ends";
    }
    edge.node = index;
    walk->edges[walk->edge_count++] = edge;
    walk->nodes[requester].edge_count++;
    if (edge.fatal != NULL && kind != NL_AUXILIARY) {
        walk->fatal = !walk->rules->musl; /* which looks at all before it ends */
    } else if (index >= 0 && kind != NL_NEEDED) {
        put_before(walk, index, fresh, requester);
    } else if (index >= 0 && fresh) {
        append(walk, index);
    }
    return NL_OK;
}

/* Follows everything that one node names, in the order in which it names it. */
static enum nl_status
follow_all(struct nl_walk *walk, int32_t index)
{
    const struct nl_facts *facts = walk->nodes[index].facts;
    enum nl_status status = NL_OK;
    uint32_t filter = 0;
    walk->nodes[index].done = true;
    walk->nodes[index].edges = walk->edge_count;
    for (uint32_t i = 0; i <= facts->needed.count; i++) {
        for (; !walk->rules->musl && filter < facts->filters.count && facts->filters.items[filter + 1] == i; filter += 3) {
            const uint32_t *item = facts->filters.items + filter;
            if (status == NL_OK && !walk->fatal) {
                status = follow(walk, index, facts->text + item[2], item[0] == 2 ? NL_FILTERED : NL_AUXILIARY);
            }
        }
        if (status == NL_OK && !walk->fatal && i < facts->needed.count) {
            status = follow(walk, index, facts->text + facts->needed.items[i], NL_NEEDED);
        }
    }
    return status;
}

/* Maps what LD_PRELOAD names: found as if the program needed it, and passed over where it is not. musl asks nobody's
 * rpath for it, and knows no tokens in it. */
static enum nl_status
preload(struct nl_walk *walk, const char *name)
{
    int32_t index = -1;
    bool fresh = false;
    struct nl_edge edge = {.how = NL_MISSING, .node = -1, .owner = -1};
    bool musl = walk->rules->musl, by_program = !musl && is_program(walk->nodes[0].facts);
    bool expands = by_program && strchr(name, '/') != NULL;
    enum nl_status status = NL_OK;
    if (expands) {
        status = nl_expand(walk, &walk->nodes[0], name, strlen(name), &edge.name);
    } else if ((edge.name = nl_walk_copy(walk, name, strlen(name))) == NULL) {
        status = NL_NO_MEMORY;
    }
    if (status != NL_OK || edge.name == NULL) {
        return status;
    }
    walk->preloading = true;
    status = resolve(walk, by_program ? 0 : -1, &edge, &index, &fresh);
    walk->preloading = false;
    if (status == NL_OK && fresh) {
        append(walk, index);
    }
    return status;
}

/* Whether a file's C library is musl, as far as its names tell. */
static bool
needs_musl(const struct nl_facts *facts)
{
    for (uint32_t i = 0; i < facts->needed.count; i++) {
        const char *name = facts->text + facts->needed.items[i];
        if (strcmp(name, "libc.so.6") == 0 || strncmp(name, "ld-linux", 8) == 0) {
            return false;
        }
        if (strcmp(name, "libc.so") == 0 || strncmp(name, "libc.musl-", 10) == 0 || strncmp(name, "ld-musl-", 8) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether a file is a library that this linker would map: others have other rules. */
static bool
is_own(const struct nl_rules *rules, const struct nl_facts *facts)
{
    return facts->wide == rules->wide && facts->big == rules->big && facts->machine == rules->machine
           && facts->interp == 0 && needs_musl(facts) == rules->musl;
}

enum nl_status
nl_walk_open(struct nl_walk *walk, const char **paths, uint32_t count)
{
    enum nl_status status = NL_OK;
    if (walk->node_count == 0) {
        walk->first = walk->last = -1;
    }
    for (uint32_t i = 0; status == NL_OK && i < count; i++) {
        struct nl_facts *facts = NULL;
        int32_t index;
        if (i > 0) {
            status = preload(walk, paths[i]);
            continue;
        }
        status = nl_images_read(walk->images, paths[i], strlen(paths[i]), &facts);
        if (status == NL_OK && facts->status != NL_OK) {
            walk->images->fault = facts->fault;
            status = facts->status;
        }
        if (status == NL_OK && walk->own && !is_own(walk->rules, facts)) {
            status = nl_fail(&walk->images->fault, NL_MALFORMED, "another linker's file, or a program");
        }
        if (status == NL_OK && node_of_file(walk, facts) < 0) {
            int32_t loader = walk->node_count > 0 && is_program(walk->nodes[0].facts) ? 0 : -1;
            char *path = nl_walk_copy(walk, paths[i], strlen(paths[i]));
            status = path == NULL ? NL_NO_MEMORY : add_node(walk, path, facts, loader, &index);
            if (status == NL_OK) {
                append(walk, index);
            }
        }
    }
    for (int32_t at = walk->first; status == NL_OK && at >= 0 && !walk->fatal;) {
        walk->filter = -1;
        if (!walk->nodes[at].done) {
            status = follow_all(walk, at);
        }
        at = walk->filter >= 0 ? walk->filter : walk->nodes[at].next;
    }
    return status;
}

/* ---- versions ---- */

enum { FEW = 16 };

/* Whether a file gives a version. Of one that gives many, a table is made: another may want as many. */
static enum nl_status
defines(struct nl_facts *giver, const char *version, bool *found)
{
    enum nl_status status = NL_OK;
    *found = false;
    for (uint32_t i = 0; giver->verdef.count <= FEW && !*found && i < giver->verdef.count; i++) {
        *found = strcmp(giver->text + giver->verdef.items[i], version) == 0;
    }
    if (giver->verdef.count <= FEW) {
        return NL_OK;
    }
    bool made = giver->versions.count > 0;
    for (uint32_t i = 0; !made && status == NL_OK && i < giver->verdef.count; i++) {
        const char *own = giver->text + giver->verdef.items[i];
        status = nl_map_add(&giver->versions, own, strlen(own), i);
    }
    *found = nl_map_get(&giver->versions, version, strlen(version)) != NULL;
    return status;
}

/* The facts of what answers to a name; NULL where nothing does, or its file cannot be read any more (`known`). */
static enum nl_status
giver_of(struct nl_walk *walk, const char *name, struct nl_facts **facts, const char **path)
{
    const struct nl_slot *slot = nl_map_get(&walk->names, name, strlen(name));
    *facts = NULL;
    *path = NULL;
    if (slot == NULL) {
        return NL_OK;
    }
    if (!(slot->value & NL_IS_LOADED)) {
        *facts = walk->nodes[slot->value].facts;
        *path = walk->nodes[slot->value].path;
        return NL_OK;
    }
    *path = walk->loaded.items[slot->value & ~NL_IS_LOADED];
    enum nl_status status = nl_images_read(walk->images, *path, strlen(*path), facts);
    if (status == NL_OK && (*facts)->status != NL_OK) {
        *facts = NULL;
    }
    return status == NL_NO_MEMORY ? status : NL_OK;
}

static enum nl_status
check_needed(struct nl_walk *walk, uint32_t node, const char *file, const uint32_t *versions, uint32_t count)
{
    struct nl_facts *giver;
    const char *path;
    enum nl_status status = giver_of(walk, file, &giver, &path);
    /* A giver that defines none lets every version pass; but one that wants none either has no DT_VERSYM, and then
     * an assertion ends the process (check_match in elf/dl-lookup.c), as one does where nothing has the name. */
    bool none = path == NULL || (giver != NULL && giver->verdef.count == 0 && giver->verneed.count == 0);
    for (uint32_t i = 0; status == NL_OK && i < count; i++) {
        const char *version = walk->nodes[node].facts->text + versions[2 * i];
        bool weak = versions[2 * i + 1] != 0;
        bool given = true;
        if (giver != NULL && giver->verdef.count > 0 && !weak) {
            status = defines(giver, version, &given);
        }
        if (none || !given) {
            struct nl_lack *all = grow(walk->lacks, walk->lack_count, &walk->lack_room, sizeof *all);
            if (all == NULL) {
                return NL_NO_MEMORY;
            }
            walk->lacks = all;
            if (walk->lack_count == NL_MOST_NAMES) {
                return nl_too_many(&walk->images->fault, "versions that nothing gives", NL_MOST_NAMES);
            }
            all[walk->lack_count++] = (struct nl_lack){.node = node, .file = file, .version = version, .giver = path};
        }
    }
    return status;
}

enum nl_status
nl_walk_versions(struct nl_walk *walk)
{
    enum nl_status status = NL_OK;
    for (int32_t at = walk->rules->musl ? -1 : walk->first; status == NL_OK && at >= 0; at = walk->nodes[at].next) {
        const struct nl_facts *facts = walk->nodes[at].facts;
        const uint32_t *item = facts->verneed.items, *end = item + facts->verneed.count;
        for (; status == NL_OK && item < end; item += 2 + 2 * item[1]) {
            status = check_needed(walk, (uint32_t)at, facts->text + item[0], item + 2, item[1]);
        }
    }
    return status;
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
