#include "undefined.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "lookup.h"

static enum nl_status
add_want(struct nl_wants *wants, struct nl_want want)
{
    struct nl_want *items = nl_grow(wants->items, wants->count, &wants->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    wants->items = items;
    wants->items[wants->count++] = want;
    return NL_OK;
}

/* The tables of what can be read of the scope. */
static enum nl_status
open_scope(struct nl_images *images, const char **scope, uint32_t count, const struct nl_symtab **tables, uint32_t *used)
{
    *used = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct nl_facts *facts;
        enum nl_status status = nl_images_read(images, scope[i], strlen(scope[i]), &facts);
        if (status == NL_OK && facts->status == NL_OK) {
            status = nl_symtab_of(images, facts, &tables[*used]);
            *used += status == NL_OK && tables[*used] != NULL;
        }
        if (status != NL_OK && status != NL_OS_ERROR) {
            return status;
        }
    }
    return NL_OK;
}

static enum nl_status
collect(struct nl_images *images, const struct nl_symtab *file, const struct nl_symtab **tables, uint32_t used,
        bool musl, struct nl_wants *wants)
{
    struct nl_budget budget = {.left = NL_MOST_LOOKING};
    bool sysv = false;
    enum nl_status status = NL_OK;
    for (uint32_t j = 0; j < used; j++) {
        sysv = sysv || tables[j]->symbols.kind == NL_HASH_SYSV;
    }
    for (uint32_t i = 1; status == NL_OK && i < file->first; i++) {
        struct nl_entry entry = nl_entry_at(file, i);
        const char *name = nl_name_at(file, entry.name);
        bool found = entry.defined || (entry.binding != NL_STB_GLOBAL && entry.binding != NL_STB_WEAK);
        struct nl_sought sought = {.name = name, .length = found ? 0 : strlen(name), .musl = musl};
        if (!found && entry.name + (uint64_t)sought.length >= file->strings_size) {
            return nl_fail(&images->fault, NL_MALFORMED, "a symbol's name runs out of the string table");
        }
        found = found || sought.length == 0;
        sought.gnu = nl_gnu_hash(name, sought.length);
        sought.sysv = sysv ? nl_sysv_hash(name, sought.length) : 0;
        sought.version = found || musl ? NULL : nl_version_at(file, i);
        for (uint32_t j = 0; !found && j < used && nl_spend(&budget, 1); j++) {
            found = nl_gives(tables[j], &sought, &budget);
        }
        if (!nl_spend(&budget, sought.length)) {
            return nl_too_many(&images->fault, "steps from symbol to symbol", NL_MOST_LOOKING);
        }
        if (!found) {
            const char *version = sought.version != NULL ? sought.version->name : NULL;
            status = add_want(wants, (struct nl_want){.name = name, .version = version, .weak = entry.binding == NL_STB_WEAK});
        }
    }
    return status;
}

enum nl_status
nl_undefined(struct nl_images *images, const char *path, const char **scope, uint32_t count, bool musl,
             struct nl_wants *wants)
{
    struct nl_facts *facts;
    const struct nl_symtab *file;
    uint32_t used = 0;
    *wants = (struct nl_wants){.count = 0};
    nl_symtab_make_room(images);
    enum nl_status status = nl_images_read(images, path, strlen(path), &facts);
    if (status == NL_OK && facts->status != NL_OK) {
        images->fault = facts->fault;
        status = facts->status;
    }
    if (status == NL_OK) {
        status = nl_symtab_of(images, facts, &file);
    }
    if (status == NL_OK && facts->symtab_status != NL_OK) {
        images->fault = facts->symtab_fault;
        status = facts->symtab_status;
    }
    if (status != NL_OK || file == NULL) {
        return status;
    }
    const struct nl_symtab **tables = malloc((count + 1) * sizeof *tables);
    if (tables == NULL) {
        return NL_NO_MEMORY;
    }
    status = open_scope(images, scope, count, tables, &used);
    if (status == NL_OK) {
        status = collect(images, file, tables, used, musl, wants);
    }
    free(tables);
    return status;
}
