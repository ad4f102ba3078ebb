#define _GNU_SOURCE
#include "images.h"

#include <stdlib.h>
#include <string.h>

#include "symbols.h"
#include "grow.h"
#include "symtab.h"
#include "versions.h"

static void
facts_free(struct nl_facts *facts)
{
    free(facts->path);
    free(facts->needed.items);
    free(facts->filters.items);
    free(facts->verneed.items);
    free(facts->verdef.items);
    free(facts->text);
    nl_map_free(&facts->versions);
    nl_symtab_free(facts->symtab);
    free(facts);
}

/* Moves what was read into the facts. */
static void
take(struct nl_facts *facts, struct nl_elf *elf)
{
    facts->wide = elf->wide;
    facts->big = elf->big;
    facts->dynamic = elf->has[NL_STRTAB];
    facts->flaw = elf->flaw;
    facts->osabi = elf->osabi;
    facts->type = elf->type;
    facts->machine = elf->machine;
    facts->flags = elf->flags;
    facts->isa_needed = elf->isa_needed;
    facts->flags_1 = elf->has[NL_FLAGS_1] ? elf->dynamic[NL_FLAGS_1] : 0;
    facts->interp = elf->interp;
    facts->soname = elf->soname;
    facts->rpath = elf->rpath;
    facts->runpath = elf->runpath;
    facts->needed = elf->needed;
    facts->filters = elf->filters;
    facts->verneed = elf->verneed;
    facts->verdef = elf->verdef;
    char *fits = realloc(elf->text, elf->text_used > 0 ? elf->text_used : 1);
    facts->text = fits != NULL ? fits : elf->text;
    facts->size = elf->text_used + (uint32_t)sizeof(uint32_t) * (elf->needed.count + elf->filters.count)
                  + (uint32_t)sizeof(uint32_t) * (elf->verneed.count + elf->verdef.count);
    elf->needed = elf->filters = elf->verneed = elf->verdef = (struct nl_list){.count = 0};
    elf->text = NULL;
}

static enum nl_status
keep(struct nl_images *images, struct nl_facts *facts)
{
    struct nl_facts **items = nl_grow(images->items, images->count, &images->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    images->items = items;
    enum nl_status status = nl_map_put(&images->by_path, facts->path, strlen(facts->path), images->count);
    if (status == NL_OK) {
        images->items[images->count++] = facts;
    }
    return status;
}

/* Reads a file, and keeps its facts; what a file is that is no sound ELF file, is kept too. */
static enum nl_status
read_facts(struct nl_images *images, const char *path, size_t length, struct nl_facts **result)
{
    struct nl_elf *elf = images->elf != NULL ? images->elf : malloc(sizeof *elf);
    struct nl_facts *facts = calloc(1, sizeof *facts);
    images->elf = elf;
    if (elf == NULL || facts == NULL || (facts->path = malloc(length + 1)) == NULL) {
        free(facts);
        return NL_NO_MEMORY;
    }
    memcpy(facts->path, path, length);
    facts->path[length] = '\0';
    enum nl_status status = nl_elf_open_in(elf, images->root, facts->path);
    if (status == NL_OK) {
        status = nl_versions_read(elf);
    }
    facts->signature = status != NL_OS_ERROR ? elf->file.signature : (struct nl_signature){.size = 0};
    facts->status = status;
    facts->fault = images->fault = elf->file.fault;
    facts->round = images->round;
    if (status != NL_OS_ERROR && status != NL_NO_MEMORY) {
        bool sound = status == NL_OK;
        take(facts, elf);
        status = images->symbols && sound ? nl_symtab_read(images, facts) : NL_OK;
        status = status == NL_OK ? keep(images, facts) : status;
    }
    nl_elf_close(elf);
    if (status != NL_OK) {
        facts_free(facts);
        return status;
    }
    *result = facts;
    return NL_OK;
}

enum nl_status
nl_images_read(struct nl_images *images, const char *path, size_t length, struct nl_facts **facts)
{
    const struct nl_slot *slot = nl_map_get(&images->by_path, path, length);
    if (slot != NULL) {
        struct nl_facts *known = images->items[slot->value];
        if (known->round == images->round || nl_file_unchanged(images->root, known->path, &known->signature)) {
            known->round = images->round;
            *facts = known;
            return NL_OK;
        }
    }
    return read_facts(images, path, length, facts);
}

enum nl_status
nl_images_mapped(struct nl_images *images, const char *path, struct nl_facts **facts)
{
    const struct nl_slot *slot = nl_map_get(&images->by_path, path, strlen(path));
    if (slot != NULL && images->process_version != 0 && images->items[slot->value]->mapped == images->process_version) {
        *facts = images->items[slot->value];
        return NL_OK;
    }
    enum nl_status status = nl_images_read(images, path, strlen(path), facts);
    if (status == NL_OK) {
        (*facts)->mapped = images->process_version;
    }
    return status;
}

bool
nl_images_exports(const struct nl_images *images, const char *path, const char *const *names, size_t count)
{
    struct nl_elf *elf = malloc(sizeof *elf);
    struct nl_symbols symbols;
    bool found = true;
    if (elf == NULL) {
        return false;
    }
    enum nl_status status = nl_elf_open_in(elf, images->root, path);
    if (status == NL_OK) {
        status = nl_symbols_open(elf, &symbols);
    }
    for (size_t i = 0; status == NL_OK && found && i < count; i++) {
        status = nl_symbols_find(elf, &symbols, names[i], strlen(names[i]), &found);
    }
    nl_elf_close(elf);
    free(elf);
    return status == NL_OK && found;
}

static void
forget_places(struct nl_images *images)
{
    for (uint32_t i = 0; i < images->places.room; i++) {
        free((char *)images->places.slots[i].key);
    }
    nl_map_free(&images->places);
}

void
nl_images_next_round(struct nl_images *images)
{
    forget_places(images);
    images->round++;
    if (images->count > NL_MOST_IMAGES && images->users <= 1) { /* the one who starts the round */
        nl_images_clear(images);
    }
}

bool
nl_images_place(const struct nl_images *images, const char *directory, uint32_t *value)
{
    const struct nl_slot *slot = nl_map_get(&images->places, directory, strlen(directory));
    if (slot != NULL) {
        *value = slot->value;
    }
    return slot != NULL;
}

enum nl_status
nl_images_keep_place(struct nl_images *images, const char *directory, uint32_t value)
{
    if (images->places.count >= NL_MOST_PLACES) {
        forget_places(images);
    }
    char *key = strdup(directory);
    enum nl_status status = key == NULL ? NL_NO_MEMORY : nl_map_put(&images->places, key, strlen(key), value);
    if (status != NL_OK) {
        free(key);
    }
    return status;
}

enum nl_status
nl_images_process(struct nl_images *images)
{
    uint64_t version = nl_linkmap_version(); /* before the map is read: one that changes meanwhile is read again */
    if (version != 0 && version == images->process_version) {
        return NL_OK;
    }
    nl_linkmap_free(&images->process);
    enum nl_status status = nl_linkmap_read(&images->process);
    images->process_version = status == NL_OK ? version : 0;
    return status;
}

void
nl_images_clear(struct nl_images *images)
{
    nl_linkmap_free(&images->process);
    images->process_version = 0;
    nl_map_free(&images->cached);
    forget_places(images);
    for (uint32_t i = 0; i < images->count; i++) {
        facts_free(images->items[i]);
    }
    free(images->items);
    free(images->elf);
    nl_map_free(&images->by_path);
    images->items = NULL;
    images->elf = NULL;
    images->count = images->room = 0;
    images->held = 0;
}
