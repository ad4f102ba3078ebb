#define _GNU_SOURCE
#include "walk.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"

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
    if (walk->process && nl_walk_may_know(walk, edge->name)) {
        nl_walk_requested(walk, edge);
    }
    return NL_OK;
}

/* Whether a name is that of the linker itself, which is there before all others; musl's is also its C library, and
 * known by its path. */
static bool
is_linker(struct nl_walk *walk, const char *name)
{
    const struct nl_rules *rules = walk->rules;
    const char *slash = strrchr(rules->self, '/');
    struct nl_facts *facts = NULL;
    for (size_t i = 0; rules->musl && i < sizeof MUSL_OWN / sizeof *MUSL_OWN; i++) {
        if (strncmp(name, MUSL_OWN[i], strlen(MUSL_OWN[i])) == 0) {
            return true;
        }
    }
    if (slash == NULL || rules->musl || strncmp(name, "ld", 2) != 0) { /* so every DT_SONAME of theirs begins */
        return slash != NULL && strcmp(name, rules->self) == 0;
    }
    if (nl_images_read(walk->images, rules->self, strlen(rules->self), &facts) != NL_OK || facts->soname == 0) {
        return strcmp(name, slash + 1) == 0;
    }
    return strcmp(name, nl_text(facts, facts->soname)) == 0;
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
    *index = nl_walk_node_of(walk, facts);
    *fresh = *index < 0;
    status = *fresh ? nl_walk_add(walk, path, facts, -1, index) : NL_OK;
    return status == NL_OK ? nl_walk_name(walk, edge->name, (uint32_t)*index) : status;
}

/* Makes a file that was found answer to the name, as its linker has it. */
static enum nl_status
name_found(struct nl_walk *walk, const char *name, int32_t index)
{
    struct nl_node *node = &walk->nodes[index];
    if (!walk->rules->musl) {
        return nl_walk_name(walk, name, (uint32_t)index);
    }
    if (node->named || strchr(name, '/') != NULL) {
        return NL_OK;
    }
    const char *slash = strrchr(node->path, '/');
    node->named = true;
    return nl_walk_name(walk, slash == NULL ? node->path : slash + 1, (uint32_t)index);
}

/* Resolves one name for a node. `index` is the node that answers, -1 for none; `fresh` whether it is a new one. */
static enum nl_status
resolve(struct nl_walk *walk, int32_t requester, struct nl_edge *edge, int32_t *index, bool *fresh)
{
    struct nl_facts *facts = NULL;
    *fresh = false;
    enum nl_status status = answered(walk, edge, index);
    if (status == NL_OK && edge->how == NL_MISSING && is_linker(walk, edge->name)) {
        status = add_linker(walk, edge, index, fresh);
    }
    if (status != NL_OK || edge->how != NL_MISSING) {
        return status;
    }
    status = nl_search(walk, requester, edge, &facts);
    if (status != NL_OK || facts == NULL) {
        if (status == NL_OK && edge->path == NULL && walk->process) {
            nl_walk_requested(walk, edge);
        }
        return status;
    }
    *index = nl_walk_node_of(walk, facts);
    if (*index < 0 && walk->rules->musl && nl_images_exports(walk->images, edge->path, LIBC_EXPORTS, 2)) {
        return add_linker(walk, edge, index, fresh); /* no second C library is mapped */
    }
    if (*index >= 0) { /* the same file under another name */
        edge->how = NL_LOADED;
        edge->path = walk->nodes[*index].path;
        edge->owner = -1;
    } else {
        *fresh = true;
        status = nl_walk_add(walk, edge->path, facts, requester, index);
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
    struct nl_edge *edges = nl_grow(walk->edges, walk->edge_count, &walk->edge_room, sizeof *edges);
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
        nl_walk_append(walk, index);
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
    bool musl = walk->rules->musl, by_program = !musl && nl_is_program(walk->nodes[0].facts);
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
        nl_walk_append(walk, index);
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
        if (status == NL_OK && nl_walk_node_of(walk, facts) < 0) {
            int32_t loader = walk->node_count > 0 && nl_is_program(walk->nodes[0].facts) ? 0 : -1;
            char *path = nl_walk_copy(walk, paths[i], strlen(paths[i]));
            status = path == NULL ? NL_NO_MEMORY : nl_walk_add(walk, path, facts, loader, &index);
            if (status == NL_OK) {
                nl_walk_append(walk, index);
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
