#if !defined(_WIN32) && !defined(__APPLE__)

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "searchpath.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

#define MOST_BYTES (4u << 20) /* of /proc/self/environ or a path file */

static enum nl_status
add_directory(struct nl_search_path *search, const char *path, size_t length, const char *kind)
{
    if (search->count == search->room) {
        size_t room = search->room ? 2 * search->room : 16;
        struct nl_directory *items = realloc(search->items, room * sizeof *items);
        if (items == NULL) {
            return NL_NO_MEMORY;
        }
        search->items = items;
        search->room = room;
    }
    char *copy = strndup(path, length);
    if (copy == NULL) {
        return NL_NO_MEMORY;
    }
    search->items[search->count++] = (struct nl_directory){.path = copy, .kind = kind};
    return NL_OK;
}

void
nl_search_path_free(struct nl_search_path *search)
{
    for (size_t i = 0; i < search->count; i++) {
        free(search->items[i].path);
    }
    free(search->items);
}

/* The whole of a file that does not tell its size, with a NUL after it. NL_OS_ERROR where it cannot be read. */
static enum nl_status
read_all(const char *path, char **bytes, size_t *length, struct nl_fault *fault)
{
    enum nl_status status = NL_OK;
    size_t room = 0;
    ssize_t got = 1;
    *bytes = NULL;
    *length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return nl_os_error(fault, errno);
    }
    while (status == NL_OK && got > 0 && *length < MOST_BYTES) {
        if (room - *length < 4096) {
            room = room ? 2 * room : 16384;
            char *larger = realloc(*bytes, room);
            if (larger == NULL) {
                status = NL_NO_MEMORY;
                break;
            }
            *bytes = larger;
        }
        got = read(fd, *bytes + *length, room - *length - 1);
        if (got < 0 && errno != EINTR) {
            status = nl_os_error(fault, errno);
        }
        *length += got > 0 ? (size_t)got : 0;
        got = got < 0 ? 1 : got;
    }
    if (*bytes != NULL) {
        (*bytes)[*length] = '\0';
    }
    close(fd);
    return status;
}

/* Splits at `separators` as the linker does. For glibc an empty item is the working directory, a slash at the end
 * goes, and a directory counts once; musl passes over an empty item and takes the others as they are. */
static enum nl_status
split(struct nl_search_path *list, const char *text, const char *separators, const char *kind)
{
    enum nl_status status = NL_OK;
    for (bool more = true; more && status == NL_OK;) {
        size_t length = strcspn(text, separators), kept = length;
        bool skip = kept == 0;
#ifdef __GLIBC__
        while (kept > 1 && text[kept - 1] == '/') {
            kept--;
        }
        const char *item = kept > 0 ? text : ".";
        kept = kept > 0 ? kept : 1;
        skip = false;
        for (size_t i = 0; i < list->count && !skip; i++) {
            skip = strlen(list->items[i].path) == kept && strncmp(list->items[i].path, item, kept) == 0;
        }
#else
        const char *item = text;
#endif
        if (!skip) {
            status = add_directory(list, item, kept, kind);
        }
        more = text[length] != '\0';
        text += length + 1;
    }
    return status;
}

/* LD_LIBRARY_PATH as it was when the process started: the linker read it then, and never again. */
static enum nl_status
split_library_path(struct nl_search_path *list, const char *separators, struct nl_fault *fault)
{
    static const char name[] = "LD_LIBRARY_PATH=";
    char *environment;
    const char *value = NULL;
    size_t length;
    enum nl_status status = read_all("/proc/self/environ", &environment, &length, fault);
    for (size_t at = 0; status == NL_OK && at < length; at += strlen(environment + at) + 1) {
        if (strncmp(environment + at, name, sizeof name - 1) == 0) {
            value = environment + at + sizeof name - 1;
        }
    }
    if (value != NULL && *value != '\0') {
        status = split(list, value, separators, "LD_LIBRARY_PATH");
    }
    free(environment);
    return status == NL_OS_ERROR ? NL_OK : status; /* no /proc: nothing is known of it */
}

#ifdef __GLIBC__ /* RTLD_DI_SERINFO is an enumerator there */

/* Whether one item of an image's rpath stands for `directory`. Of the tokens only $ORIGIN is known here. */
static bool
is_item(const char *item, size_t length, const char *origin, const char *directory)
{
    size_t token = strncmp(item, "$ORIGIN", 7) == 0 ? 7 : strncmp(item, "${ORIGIN}", 9) == 0 ? 9 : 0;
    while (length > 1 && item[length - 1] == '/') {
        length--;
    }
    if (token > 0 && token <= length) {
        size_t head = strlen(origin);
        if (strncmp(directory, origin, head) != 0) {
            return false;
        }
        item += token;
        length -= token;
        directory += head;
    }
    return strlen(directory) == length && strncmp(directory, item, length) == 0;
}

/* Whether an image's DT_RPATH or DT_RUNPATH names `directory`. */
static bool
declares(const struct nl_image *image, const char *directory)
{
    char origin[4096] = "";
    if (image->rpath == NULL) {
        return false;
    }
    if (image->path[0] == '\0') { /* the program: $ORIGIN is where the real file lies */
        ssize_t length = readlink("/proc/self/exe", origin, sizeof origin - 1);
        origin[length > 0 ? length : 0] = '\0';
    } else if (strlen(image->path) < sizeof origin) {
        strcpy(origin, image->path);
    }
    char *slash = strrchr(origin, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    for (const char *item = image->rpath;; item++) {
        size_t length = strcspn(item, ":");
        if (is_item(item, length, origin, directory)) {
            return true;
        }
        item += length;
        if (*item == '\0') {
            return false;
        }
    }
}

/* Whether the linker took `directory` from the DT_RPATH or DT_RUNPATH of this module, of what holds Python, or of
 * the program: the images whose tags serve a dlopen from here. */
static bool
is_declared(const struct nl_linkmap *map, const char *directory)
{
    Dl_info own = {.dli_fname = NULL}, python = {.dli_fname = NULL};
    void *symbol = dlsym(RTLD_DEFAULT, "Py_Version");
    dladdr((void *)(uintptr_t)nl_isa_level, &own);
    if (symbol != NULL) {
        dladdr(symbol, &python);
    }
    for (size_t i = 0; i < map->count; i++) {
        const char *path = map->items[i].path;
        bool serves = i == 0 || (own.dli_fname != NULL && strcmp(path, own.dli_fname) == 0)
                      || (python.dli_fname != NULL && strcmp(path, python.dli_fname) == 0);
        if (serves && declares(&map->items[i], directory)) {
            return true;
        }
    }
    return false;
}

static bool
starts_at(const struct nl_search_path *search, size_t at, const struct nl_search_path *block)
{
    for (size_t i = 0; i < block->count; i++) {
        const char *item = block->items[i].path;
        /* an item with $ORIGIN or $LIB stands for one directory, whichever */
        if (strchr(item, '$') == NULL && strcmp(item, search->items[at + i].path) != 0) {
            return false;
        }
    }
    return true;
}

/* Says where each directory is from. glibc knows the four sources and leaves dls_flags 0 for all of them
 * (_dl_rtld_di_serinfo), but lists them in order: DT_RPATHs, LD_LIBRARY_PATH, DT_RUNPATH, default. */
static void
mark_kinds(struct nl_search_path *search, const struct nl_search_path *library_path, const struct nl_linkmap *map)
{
    size_t at = 0, width = library_path->count;
    while (width > 0 && at + width <= search->count && !starts_at(search, at, library_path)) {
        at++;
    }
    if (width == 0 || at + width > search->count) { /* not set, or ignored (setuid) */
        at = width = 0;
    }
    for (size_t i = 0; i < at + width; i++) {
        search->items[i].kind = i < at ? "rpath" : "LD_LIBRARY_PATH";
    }
    bool declared = true;
    for (size_t first = at + width, i = first; i < search->count; i++) {
        for (size_t earlier = first; earlier < i && declared; earlier++) { /* the default list starts anew */
            declared = strcmp(search->items[earlier].path, search->items[i].path) != 0;
        }
        declared = declared && is_declared(map, search->items[i].path);
        search->items[i].kind = declared ? "rpath" : "default";
    }
}

/* A handle of the image that this code is in, whose search path dlopen uses. */
static void *
own_handle(void)
{
    Dl_info own;
    void *handle = NULL;
    if (dladdr((void *)(uintptr_t)nl_isa_level, &own) != 0 && own.dli_fname != NULL) {
        handle = nl_dlopen_loaded(own.dli_fname);
    }
    return handle != NULL ? handle : dlopen(NULL, RTLD_LAZY);
}

enum nl_status
nl_searched_read(struct nl_search_path *search, struct nl_fault *fault)
{
    Dl_serinfo size;
    enum nl_status status = NL_OK;
    *search = (struct nl_search_path){.count = 0};
    void *handle = own_handle();
    if (handle == NULL || dlinfo(handle, RTLD_DI_SERINFOSIZE, &size) != 0) {
        return nl_os_error(fault, ENOSYS);
    }
    Dl_serinfo *list = malloc(size.dls_size);
    if (list == NULL) {
        return NL_NO_MEMORY;
    }
    list->dls_size = size.dls_size;
    list->dls_cnt = size.dls_cnt;
    if (dlinfo(handle, RTLD_DI_SERINFO, list) != 0) {
        status = nl_os_error(fault, ENOSYS);
    }
    for (unsigned i = 0; status == NL_OK && i < list->dls_cnt; i++) {
        const char *name = list->dls_serpath[i].dls_name;
        status = add_directory(search, name, strlen(name), "default");
    }
    free(list);
    return status;
}

enum nl_status
nl_search_path_read(struct nl_search_path *search, struct nl_fault *fault)
{
    struct nl_search_path library_path = {.count = 0};
    struct nl_linkmap map = {.count = 0};
    enum nl_status status = nl_searched_read(search, fault);
    if (status == NL_OK) {
        status = split_library_path(&library_path, ":;", fault);
    }
    if (status == NL_OK) {
        status = nl_linkmap_read(&map);
    }
    if (status == NL_OK) {
        mark_kinds(search, &library_path, &map);
    }
    nl_search_path_free(&library_path);
    nl_linkmap_free(&map);
    return status;
}

#else

/* musl's path file, <prefix>/etc/ld-musl-ARCH.path for a linker at <prefix>/lib/ld-musl-ARCH.so.1. */
static void
name_path_file(const struct nl_linkmap *map, char *name, size_t room)
{
    *name = '\0';
    for (size_t i = 0; i < map->count; i++) {
        const char *path = map->items[i].path, *file = strstr(path, "/lib/ld-musl-");
        const char *suffix = file != NULL ? strstr(file, ".so") : NULL;
        if (suffix != NULL) {
            const char *base = file + sizeof "/lib/" - 1;
            snprintf(name, room, "%.*s/etc/%.*s.path", (int)(file - path), path, (int)(suffix - base), base);
        }
    }
}

enum nl_status
nl_search_path_read(struct nl_search_path *search, struct nl_fault *fault)
{
    char name[4096], *text = NULL;
    size_t length;
    struct nl_linkmap map;
    *search = (struct nl_search_path){.count = 0};
    enum nl_status status = split_library_path(search, ":\n", fault);
    if (status == NL_OK) {
        status = nl_linkmap_read(&map);
        name_path_file(&map, name, sizeof name);
        nl_linkmap_free(&map);
    }
    if (status == NL_OK) {
        status = read_all(name, &text, &length, fault);
        const char *directories = status == NL_OK ? text : "/lib:/usr/local/lib:/usr/lib";
        if (status != NL_NO_MEMORY) {
            status = split(search, directories, ":\n", "default");
        }
    }
    free(text);
    return status;
}

enum nl_status
nl_searched_read(struct nl_search_path *search, struct nl_fault *fault)
{
    return nl_search_path_read(search, fault);
}

#endif

#else

typedef int nl_search_path_is_not_elf;

#endif
