/* Images, search directories and versions of a macOS process. */
#ifdef __APPLE__

#define _DARWIN_C_SOURCE
#include "process.h"

#include <dlfcn.h>
#include <mach-o/dyld.h>
#include <mach-o/loader.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>

#include "searchpath.h"

/* A copy of the text that a load command has at an offset; NULL where it runs out of the command. */
static char *
copy_text(const struct load_command *command, uint32_t offset)
{
    const char *text = (const char *)command + offset;
    size_t room = offset < command->cmdsize ? command->cmdsize - offset : 0;
    return room > 0 && memchr(text, 0, room) != NULL ? strdup(text) : NULL;
}

/* The install name and the first LC_RPATH. dyld has checked the load commands when it mapped the image. */
static void
read_commands(const struct mach_header *header, struct nl_image *image)
{
    size_t size = header->magic == MH_MAGIC_64 ? sizeof(struct mach_header_64) : sizeof *header;
    const char *at = (const char *)header + size, *end = at + header->sizeofcmds;
    for (uint32_t i = 0; i < header->ncmds && (size_t)(end - at) >= sizeof(struct load_command); i++) {
        const struct load_command *command = (const void *)at;
        if (command->cmdsize < sizeof *command || command->cmdsize > (size_t)(end - at)) {
            return;
        }
        if (command->cmd == LC_ID_DYLIB && image->soname == NULL) {
            image->soname = copy_text(command, ((const struct dylib_command *)(const void *)command)->dylib.name.offset);
        } else if (command->cmd == LC_RPATH && image->rpath == NULL) {
            image->rpath = copy_text(command, ((const struct rpath_command *)(const void *)command)->path.offset);
        }
        at += command->cmdsize;
    }
}

enum nl_status
nl_linkmap_read(struct nl_linkmap *map)
{
    uint32_t count = _dyld_image_count();
    *map = (struct nl_linkmap){.items = calloc(count + 1u, sizeof *map->items), .room = count + 1u};
    if (map->items == NULL) {
        return NL_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *path = _dyld_get_image_name(i);
        const struct mach_header *header = _dyld_get_image_header(i);
        if (path == NULL || header == NULL) {
            continue; /* it has been unloaded meanwhile */
        }
        struct nl_image *image = &map->items[map->count++];
        image->path = strdup(i == 0 ? "" : path);
        if (image->path == NULL) {
            return NL_NO_MEMORY;
        }
        read_commands(header, image);
    }
    return NL_OK;
}

uint64_t
nl_linkmap_version(void)
{
    return 0;
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
    return dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
}

/* dyld knows an image by its path and by its install name. */
bool
nl_loaded_path(const char *name, char *path, size_t room)
{
    struct nl_linkmap map;
    bool found = false;
    enum nl_status status = nl_linkmap_read(&map);
    for (size_t i = 0; status == NL_OK && !found && i < map.count; i++) {
        const struct nl_image *image = &map.items[i];
        found = (strcmp(image->path, name) == 0 || (image->soname != NULL && strcmp(image->soname, name) == 0))
                && strlen(image->path) < room;
        if (found) {
            strcpy(path, image->path);
        }
    }
    nl_linkmap_free(&map);
    return found;
}

void *
nl_dlsym(void *handle, const char *name)
{
    return dlsym(handle, name);
}

const char *
nl_libc(const char **version)
{
    static char text[32];
    size_t size = sizeof text - 1;
    if (sysctlbyname("kern.osproductversion", text, &size, NULL, 0) != 0) {
        *text = '\0';
    }
    *version = text;
    return "macos";
}

/* ---- DYLD_FALLBACK_LIBRARY_PATH, else its default (dyld(1)) ---- */

static enum nl_status
add_directory(struct nl_search_path *search, const char *path, size_t length, const char *kind)
{
    struct nl_directory *items = realloc(search->items, (search->count + 1) * sizeof *items);
    char *copy = strndup(path, length);
    search->items = items != NULL ? items : search->items;
    if (items == NULL || copy == NULL) {
        free(copy);
        return NL_NO_MEMORY;
    }
    items[search->count++] = (struct nl_directory){.path = copy, .kind = kind};
    return NL_OK;
}

static enum nl_status
add_list(struct nl_search_path *search, const char *list, const char *kind)
{
    enum nl_status status = NL_OK;
    for (const char *end; status == NL_OK && list != NULL && *list != '\0'; list = *end == ':' ? end + 1 : end) {
        end = list + strcspn(list, ":");
        status = end > list ? add_directory(search, list, (size_t)(end - list), kind) : NL_OK;
    }
    return status;
}

enum nl_status
nl_search_path_read(struct nl_search_path *search, struct nl_fault *fault)
{
    const char *fallback = getenv("DYLD_FALLBACK_LIBRARY_PATH");
    (void)fault;
    *search = (struct nl_search_path){.count = 0};
    enum nl_status status = add_list(search, getenv("DYLD_LIBRARY_PATH"), "DYLD_LIBRARY_PATH");
    return status == NL_OK ? add_list(search, fallback != NULL ? fallback : "/usr/local/lib:/usr/lib", "default") : status;
}

enum nl_status
nl_searched_read(struct nl_search_path *search, struct nl_fault *fault)
{
    return nl_search_path_read(search, fault);
}

void
nl_search_path_free(struct nl_search_path *search)
{
    for (size_t i = 0; i < search->count; i++) {
        free(search->items[i].path);
    }
    free(search->items);
}

#else

typedef int nl_process_is_not_of_dyld;

#endif
