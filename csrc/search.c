/* Where a linker looks for one name, in order (_dl_map_object in glibc's elf/dl-load.c; load_library in musl's
 * ldso/dynlink.c). */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "ldcache.h"
#include "walk.h"

static const uint64_t DF_1_NODEFLIB = 0x800;

/* What became of one path. */
enum outcome { TAKEN, NEXT, GIVE_UP, FATAL };

struct quest {
    struct nl_walk *walk;
    struct nl_edge *edge;
    const struct nl_node *requester;
    size_t name_length;
    enum nl_status status;
    struct nl_facts *facts;
};

static enum outcome
fail(struct quest *quest, enum nl_status status)
{
    quest->status = status;
    return FATAL;
}

static enum outcome
note(struct quest *quest, enum outcome outcome, enum nl_how how, const char *path, size_t length, const char *why)
{
    struct nl_walk *walk = quest->walk;
    if (!walk->record && outcome != TAKEN && outcome != FATAL) {
        return outcome;
    }
    char *kept = nl_walk_copy(walk, path, length);
    if (kept == NULL) {
        return fail(quest, NL_NO_MEMORY);
    }
    if (outcome == TAKEN || outcome == FATAL) {
        quest->edge->path = kept;
        quest->edge->how = how;
        quest->edge->fatal = outcome == FATAL ? why : NULL;
        return outcome;
    }
    struct nl_try *tries = nl_grow(walk->tries, walk->try_count, &walk->try_room, sizeof *tries);
    if (tries == NULL) {
        return fail(quest, NL_NO_MEMORY);
    }
    walk->tries = tries;
    walk->tries[walk->try_count++] = (struct nl_try){.path = kept, .why = why, .how = how};
    return outcome;
}

static enum outcome
try_path(struct quest *quest, enum nl_how how, const char *path, size_t length)
{
    struct nl_walk *walk = quest->walk;
    struct nl_facts *facts;
    bool next;
    enum nl_status status = nl_walk_spend(walk, NL_ONE_TRY + length);
    if (status == NL_OK && length > NL_LONGEST_PATH) {
        status = nl_os_error(&walk->images->fault, ENAMETOOLONG);
    } else if (status == NL_OK) {
        status = nl_images_read(walk->images, path, length, &facts);
    }
    if (status == NL_OK) { /* it is kept for every name that one file has, and they may be many */
        status = nl_walk_spend(walk, NL_ONE_FILE + facts->size);
    }
    if (status != NL_OK && status != NL_OS_ERROR) {
        return fail(quest, status);
    }
    if (status == NL_OS_ERROR) {
        int error = walk->images->fault.os_errno;
        bool nothing = error == ENOENT || error == EACCES || (error == ENOTDIR && walk->rules->release >= 39);
        bool no_file = error == EISDIR || error == EINVAL; /* there the linker fails, or waits for ever */
        if (walk->rules->musl) {
            nothing = nothing || error == ENOTDIR || error == ENAMETOOLONG;
        } else if (!nothing && !no_file) { /* another error counts only in a directory that is one (open_path) */
            nothing = !nl_in_directory(walk, path, length);
        }
        enum outcome outcome = nothing ? NEXT : no_file ? FATAL : GIVE_UP;
        bool silent = error == ENOENT || (outcome != FATAL && !walk->record);
        return note(quest, outcome, how, path, length, silent ? NULL : nl_words(walk, status, &walk->images->fault));
    }
    if (facts->status != NL_OK) {
        return note(quest, FATAL, how, path, length, nl_words(walk, facts->status, &facts->fault));
    }
    const char *why = nl_refusal(walk->rules, facts, walk->nodes[0].program, &next);
    if (next) {
        return note(quest, NEXT, how, path, length, "it is of another class or machine");
    }
    if (why == NULL && walk->preloading && walk->rules->secure && how != NL_PATH
        && !nl_file_is_setuid(walk->images->root, path)) {
        return note(quest, NEXT, how, path, length, "a privileged program preloads only what is set-user-ID");
    }
    quest->facts = facts;
    return note(quest, why != NULL ? FATAL : TAKEN, how, path, length, why);
}

/* Writes directory/subdirectory/name into the walk's buffer. */
static enum outcome
try_below(struct quest *quest, enum nl_how how, const char *directory, const char *subdirectory)
{
    struct nl_walk *walk = quest->walk;
    size_t first = strlen(directory), second = subdirectory != NULL ? strlen(subdirectory) + 1 : 0;
    size_t length = first + second + 1 + quest->name_length;
    enum nl_status status = nl_walk_spend(walk, length);
    if (status != NL_OK) {
        return fail(quest, status);
    }
    if (length >= walk->buffer_room) {
        char *buffer = realloc(walk->buffer, 2 * length);
        if (buffer == NULL) {
            return fail(quest, NL_NO_MEMORY);
        }
        walk->buffer = buffer;
        walk->buffer_room = 2 * length;
    }
    char *at = walk->buffer;
    memcpy(at, directory, first);
    at += first;
    *at++ = '/';
    if (second > 0) {
        memcpy(at, subdirectory, second - 1);
        at += second - 1;
        *at++ = '/';
    }
    memcpy(at, quest->edge->name, quest->name_length + 1);
    return try_path(quest, how, walk->buffer, length);
}

/* Which of the first 32 subdirectories a directory has, as bits: each is looked for once in a round. */
static enum nl_status
subdirectories(struct nl_walk *walk, const char *directory, uint32_t *present)
{
    const struct nl_texts *names = &walk->rules->subdirectories;
    *present = 0;
    if (names->count == 0 || nl_images_place(walk->images, directory, present)) {
        return NL_OK;
    }
    enum nl_status status = nl_walk_spend(walk, NL_ONE_TRY + strlen(directory));
    if (status != NL_OK) {
        return status;
    }
    const char *top = NULL;
    size_t top_length = 0;
    bool there = false;
    for (uint32_t i = 0; i < names->count && i < 32; i++) {
        size_t part = strcspn(names->items[i], "/");
        if (top == NULL || part != top_length || memcmp(top, names->items[i], part) != 0) {
            char path[4096];
            top = names->items[i];
            top_length = part;
            int written = snprintf(path, sizeof path, "%s/%.*s", directory, (int)part, top);
            there = written > 0 && (size_t)written < sizeof path && nl_file_exists(walk->images->root, path);
        }
        *present |= there ? 1u << i : 0;
    }
    return nl_images_keep_place(walk->images, directory, *present);
}

static enum outcome
try_directories(struct quest *quest, enum nl_how how, const struct nl_texts *directories)
{
    const struct nl_texts *names = &quest->walk->rules->subdirectories;
    for (uint32_t i = 0; i < directories->count; i++) {
        uint32_t present;
        enum nl_status status = subdirectories(quest->walk, directories->items[i], &present);
        if (status != NL_OK) {
            return fail(quest, status);
        }
        for (uint32_t j = 0; present != 0 && j < names->count && j < 32; j++) {
            if (present >> j & 1) {
                enum outcome outcome = try_below(quest, how, directories->items[i], names->items[j]);
                if (outcome != NEXT) {
                    return outcome;
                }
            }
        }
        enum outcome outcome = try_below(quest, how, directories->items[i], NULL);
        if (outcome != NEXT) {
            return outcome;
        }
    }
    return NEXT;
}

/* Whether an entry of ld.so.cache is for this machine: i386's linker also takes those of no C library (dl-cache.h). */
static bool
takes(const struct nl_rules *rules, int32_t flags)
{
    return flags == rules->cache_flags || (rules->cache_flags == 3 && flags == 1);
}

/* The entry of ld.so.cache under a name, for the best subdirectory that this CPU takes; path is NULL where none is. */
static enum nl_status
best_entry(struct nl_walk *walk, const char *name, struct nl_cache_hit *best)
{
    const struct nl_rules *rules = walk->rules;
    struct nl_cache_hits hits;
    struct nl_fault fault;
    uint32_t best_rank = UINT32_MAX;
    enum nl_status status = nl_ldcache_search(rules->cache, rules->cache_size, name, false, &hits, &fault);
    for (uint32_t i = 0; status == NL_OK && i < hits.count; i++) {
        const struct nl_cache_hit *hit = &hits.items[i];
        uint32_t rank = 0;
        while (hit->hwcaps != NULL && rank < rules->hwcaps.count && strcmp(rules->hwcaps.items[rank], hit->hwcaps) != 0) {
            rank++;
        }
        if (!takes(rules, hit->flags) || (hit->hwcaps != NULL && rank == rules->hwcaps.count)) {
            continue;
        }
        rank = hit->hwcaps != NULL ? rank : UINT32_MAX - 1;
        if (rank < best_rank) {
            *best = *hit;
            best_rank = rank;
        }
    }
    free(hits.items);
    return nl_walk_spend(walk, hits.looked);
}

/* The path that ld.so.cache holds under a name, NULL where it has none; what it has is searched for once. */
static enum nl_status
cached_path(struct nl_walk *walk, const char *name, const char **path)
{
    const char *cache = (const char *)walk->rules->cache;
    const struct nl_slot *slot = nl_map_get(&walk->images->cached, name, strlen(name));
    struct nl_cache_hit best = {.path = NULL};
    enum nl_status status = NL_OK;
    if (slot != NULL) {
        best.path = cache + slot->value;
    } else if (walk->rules->cache_size > 0) {
        status = best_entry(walk, name, &best);
    }
    if (status == NL_OK && slot == NULL && best.path != NULL) {
        status = nl_map_put(&walk->images->cached, best.name, strlen(best.name), (uint32_t)(best.path - cache));
    }
    *path = best.path;
    return status;
}

static enum outcome
try_cache(struct quest *quest, bool nodeflib)
{
    const struct nl_rules *rules = quest->walk->rules;
    const char *best;
    enum nl_status status = cached_path(quest->walk, quest->edge->name, &best);
    if (status != NL_OK) {
        return fail(quest, status);
    }
    for (uint32_t i = 0; nodeflib && best != NULL && i < rules->defaults.count; i++) {
        size_t length = strlen(rules->defaults.items[i]);
        if (strncmp(best, rules->defaults.items[i], length) == 0 && best[length] == '/') {
            best = NULL;
        }
    }
    return best == NULL ? NEXT : try_path(quest, NL_CACHE, best, strlen(best));
}

/* The DT_RPATH of the requester, of whoever loaded it, and on up; then the program's. */
static enum outcome
try_rpaths(struct quest *quest, int32_t requester)
{
    struct nl_walk *walk = quest->walk;
    for (int32_t at = requester; at >= 0; at = walk->nodes[at].above) {
        quest->status = nl_walk_spend(walk, 1);
        quest->status = quest->status == NL_OK ? nl_expand_paths(walk, &walk->nodes[at]) : quest->status;
        quest->edge->owner = at;
        enum outcome outcome = quest->status != NL_OK ? FATAL : try_directories(quest, NL_RPATH_OF, &walk->nodes[at].rpath);
        if (outcome == TAKEN || outcome == FATAL) {
            return outcome;
        }
    }
    quest->edge->owner = -1;
    return try_directories(quest, NL_RPATH_OF, &walk->rules->program_rpath);
}

static enum outcome
search_glibc(struct quest *quest, int32_t requester)
{
    const struct nl_rules *rules = quest->walk->rules;
    const struct nl_node *node = quest->requester;
    bool nodeflib = node != NULL && (node->facts->flags_1 & DF_1_NODEFLIB);
    enum outcome outcome = NEXT;
    if (node == NULL || node->facts->runpath == 0) {
        outcome = try_rpaths(quest, requester);
    }
    if (outcome == NEXT || outcome == GIVE_UP) {
        outcome = try_directories(quest, NL_LIBRARY_PATH, &rules->library_path);
    }
    if ((outcome == NEXT || outcome == GIVE_UP) && node != NULL) {
        outcome = try_directories(quest, NL_RUNPATH_OF, &node->runpath);
    }
    if ((outcome == NEXT || outcome == GIVE_UP) && !(quest->walk->preloading && rules->secure)) {
        outcome = try_cache(quest, nodeflib);
    }
    if ((outcome == NEXT || outcome == GIVE_UP) && !nodeflib) {
        outcome = try_directories(quest, NL_DEFAULT, &rules->defaults);
    }
    return outcome;
}

/* LD_LIBRARY_PATH, the rpaths of the requester and of whoever needed it, the system's path. The first file there is
 * must do, and an error that is not "nothing there" ends the whole search. */
static enum outcome
search_musl(struct quest *quest, int32_t requester)
{
    struct nl_walk *walk = quest->walk;
    enum outcome outcome = try_directories(quest, NL_LIBRARY_PATH, &walk->rules->library_path);
    for (int32_t at = requester; outcome == NEXT && at >= 0; at = walk->nodes[at].above) {
        quest->edge->owner = at;
        quest->status = nl_walk_spend(walk, 1);
        quest->status = quest->status == NL_OK ? nl_expand_paths(walk, &walk->nodes[at]) : quest->status;
        outcome = quest->status != NL_OK ? FATAL : try_directories(quest, NL_RPATH_OF, &walk->nodes[at].rpath);
    }
    return outcome == NEXT ? try_directories(quest, NL_DEFAULT, &walk->rules->defaults) : outcome;
}

enum nl_status
nl_search(struct nl_walk *walk, int32_t requester, struct nl_edge *edge, struct nl_facts **facts)
{
    struct quest quest = {.walk = walk, .edge = edge, .name_length = strlen(edge->name), .status = NL_OK};
    quest.requester = requester < 0 ? NULL : &walk->nodes[requester];
    edge->how = NL_MISSING;
    edge->owner = -1;
    edge->tries = walk->try_count;
    if (strchr(edge->name, '/') != NULL) {
        try_path(&quest, NL_PATH, edge->name, quest.name_length);
    } else if (walk->rules->musl) {
        search_musl(&quest, requester);
    } else {
        quest.status = requester < 0 ? NL_OK : nl_expand_paths(walk, &walk->nodes[requester]);
        if (quest.status == NL_OK) {
            search_glibc(&quest, requester);
        }
    }
    edge->try_count = walk->try_count - edge->tries;
    if (edge->how == NL_RUNPATH_OF) {
        edge->owner = requester;
    }
    if (edge->how != NL_RPATH_OF && edge->how != NL_RUNPATH_OF) {
        edge->owner = -1;
    }
    *facts = edge->path != NULL && edge->fatal == NULL ? quest.facts : NULL;
    return quest.status;
}
