#if !defined(_WIN32) && !defined(__APPLE__)

#define _GNU_SOURCE
#include "process.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

/* From `address` to the end of the readable segment that holds it; 0 where none does. */
static size_t
mapped_after(const struct dl_phdr_info *info, uintptr_t address)
{
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_R) && address >= start
            && address - start < segment->p_memsz) {
            return segment->p_memsz - (address - start);
        }
    }
    return 0;
}

/* The last entry of the dynamic section with this tag. */
static bool
dynamic_value(const struct dl_phdr_info *info, ElfW(Sxword) tag, uintptr_t *value)
{
    bool found = false;
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type != PT_DYNAMIC || mapped_after(info, start) < segment->p_memsz) {
            continue;
        }
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)start; /* memory that the linker itself walks so */
        for (size_t left = segment->p_memsz / sizeof *entry; left > 0 && entry->d_tag != DT_NULL; left--, entry++) {
            if (entry->d_tag == tag) {
                *value = (uintptr_t)entry->d_un.d_val;
                found = true;
            }
        }
    }
    return found;
}

/* A copy of the string that a tag names in DT_STRTAB; NULL where there is none, or no memory. */
static char *
copy_dynamic_string(const struct dl_phdr_info *info, ElfW(Sxword) tag)
{
    uintptr_t offset, table, size = UINTPTR_MAX;
    if (!dynamic_value(info, tag, &offset) || !dynamic_value(info, DT_STRTAB, &table)) {
        return NULL;
    }
    dynamic_value(info, DT_STRSZ, &size);
    /* glibc replaces the address in memory by the absolute one; musl does not, nor anybody in the vdso */
    if (mapped_after(info, table) == 0) {
        table += info->dlpi_addr;
    }
    size_t room = mapped_after(info, table);
    room = room < size ? room : size;
    const char *string = (const char *)(table + offset);
    if (offset >= room || memchr(string, 0, room - offset) == NULL) {
        return NULL;
    }
    return strdup(string);
}

/* dl_iterate_phdr's callback: 0 to go on. */
static int
take_image(struct dl_phdr_info *info, size_t size, void *context)
{
    struct nl_linkmap *map = context;
    (void)size;
    if (map->count == map->room) {
        size_t room = map->room ? 2 * map->room : 64;
        struct nl_image *items = realloc(map->items, room * sizeof *items);
        if (items == NULL) {
            return 1;
        }
        map->items = items;
        map->room = room;
    }
    bool program = map->count == 0; /* musl gives it a name */
    char *path = strdup(program || info->dlpi_name == NULL ? "" : info->dlpi_name);
    if (path == NULL) {
        return 1;
    }
    char *rpath = copy_dynamic_string(info, DT_RUNPATH);
    map->items[map->count++] = (struct nl_image){
        .path = path,
        .soname = copy_dynamic_string(info, DT_SONAME),
        .rpath = rpath != NULL ? rpath : copy_dynamic_string(info, DT_RPATH),
    };
    return 0;
}

enum nl_status
nl_linkmap_read(struct nl_linkmap *map)
{
    *map = (struct nl_linkmap){.count = 0};
    return dl_iterate_phdr(take_image, map) == 0 ? NL_OK : NL_NO_MEMORY;
}

/* dl_iterate_phdr's callback: the counts stand with every image. */
static int
take_counts(struct dl_phdr_info *info, size_t size, void *context)
{
    uint64_t *version = context;
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs) {
        *version = (uint64_t)info->dlpi_adds << 32 ^ (uint64_t)info->dlpi_subs ^ 1u << 31;
    }
    return 1;
}

uint64_t
nl_linkmap_version(void)
{
    uint64_t version = 0;
    dl_iterate_phdr(take_counts, &version);
    return version;
}

void
nl_linkmap_free(struct nl_linkmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->items[i].path);
        free(map->items[i].soname);
        free(map->items[i].rpath);
    }
    free(map->items);
    *map = (struct nl_linkmap){.count = 0};
}

void *
nl_dlopen(const char *path, int flags, const char **error)
{
    void *handle = dlopen(path, flags);
    *error = handle == NULL ? dlerror() : NULL;
    return handle;
}

void *
nl_dlopen_loaded(const char *path)
{
    /* the reference it takes is never given back: nothing here is ever unloaded */
    return dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
}

bool
nl_loaded_path(const char *name, char *path, size_t room)
{
    struct link_map *map = NULL;
    /* glibc puts a name on the stack, behind each directory in turn */
    void *handle = strlen(name) < NL_MOST_NAME ? nl_dlopen_loaded(name) : NULL;
    if (handle == NULL || dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || strlen(map->l_name) >= room) {
        return false;
    }
    strcpy(path, map->l_name);
    return true;
}

void *
nl_dlsym(void *handle, const char *name)
{
    return dlsym(handle, name);
}

#ifdef __GLIBC__

const char *
nl_libc(const char **version)
{
    *version = gnu_get_libc_version();
    return "glibc";
}

#else

/* The length of "1.2.3" and its NUL at `text`; 0 where something else stands there. */
static size_t
version_length(const char *text, size_t room)
{
    size_t at = 0;
    for (int part = 0; part < 3; part++) {
        size_t first = at;
        while (at < room && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        if (at == first || at == room || text[at] != (part < 2 ? '.' : '\0')) {
            return 0;
        }
        at++;
    }
    return at;
}

/* musl has no function that tells its version, but no other string of this form either. dl_iterate_phdr's
 * callback: `context` is the version, NULL until it is found, "" once two differ. */
static int
find_version(struct dl_phdr_info *info, size_t size, void *context)
{
    const char **version = context;
    (void)size;
    if (info->dlpi_name == NULL || strstr(info->dlpi_name, "/ld-musl-") == NULL) {
        return 0;
    }
    for (ElfW(Half) i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & (PF_R | PF_W)) != PF_R) {
            continue;
        }
        const char *start = (const char *)(info->dlpi_addr + segment->p_vaddr);
        for (size_t at = 1; at < segment->p_filesz; at++) {
            if (start[at - 1] == '\0' && version_length(start + at, segment->p_filesz - at) > 0) {
                *version = *version == NULL || strcmp(*version, start + at) == 0 ? start + at : "";
            }
        }
    }
    return 1;
}

const char *
nl_libc(const char **version)
{
    *version = NULL;
    dl_iterate_phdr(find_version, version);
    *version = *version == NULL ? "" : *version;
    return "musl";
}

#endif

#else

typedef int nl_process_is_not_elf;

#endif
