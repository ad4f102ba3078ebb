/* The symbol versions that a walk's files want of each other and are not given. */
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "walk.h"

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
    uint32_t index = slot->value & ~NL_IS_LOADED;
    bool mapped = index >= walk->mapped && index < walk->mapped_end;
    enum nl_status status =
        mapped ? nl_images_mapped(walk->images, *path, facts) : nl_images_read(walk->images, *path, strlen(*path), facts);
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
     * an assertion ends the process up to glibc 2.40 (check_match in elf/dl-lookup.c), as one does in every release where
     * nothing has the name. */
    bool bare = giver != NULL && giver->verdef.count == 0 && giver->verneed.count == 0;
    bool none = path == NULL || (bare && walk->rules->release < 41);
    for (uint32_t i = 0; status == NL_OK && i < count; i++) {
        const char *version = walk->nodes[node].facts->text + versions[2 * i];
        bool weak = versions[2 * i + 1] != 0;
        bool given = true;
        if (giver != NULL && giver->verdef.count > 0 && !weak) {
            status = defines(giver, version, &given);
        }
        if (none || !given) {
            struct nl_lack *all = nl_grow(walk->lacks, walk->lack_count, &walk->lack_room, sizeof *all);
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
