#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "process.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define MOST_BYTES (4u << 20) /* of /proc/self/environ or a path file */

/* ---- images ---- */

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

void
nl_linkmap_free(struct nl_linkmap *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->items[i].path);
        free(map->items[i].soname);
        free(map->items[i].rpath);
    }
    free(map->items);
}

/* ---- search path ---- */

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

/* The linker's own list, all kinds left "default". */
static enum nl_status
list_directories(struct nl_search_path *search, struct nl_fault *fault)
{
    Dl_serinfo size;
    enum nl_status status = NL_OK;
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
    *search = (struct nl_search_path){.count = 0};
    enum nl_status status = list_directories(search, fault);
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

#endif

/* ---- loading ---- */

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

/* ---- CPU ---- */

#ifdef __x86_64__

static bool
all(uint32_t value, uint32_t bits)
{
    return (value & bits) == bits;
}

/* The register sets that the kernel saves: XCR0. */
static uint32_t
saved_state(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

int
nl_isa_level(void)
{
    unsigned a = 0, b = 0, c = 0, d = 0, c1 = 0, b7 = 0, cx = 0;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        c1 = c;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        b7 = b;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        cx = c;
    }
    uint32_t saved = c1 & bit_OSXSAVE ? saved_state() : 0;
    /* https://gitlab.com/x86-psABIs/x86-64-ABI, "micro-architecture levels" */
    bool v2 = all(c1, bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT)
              && all(cx, bit_LAHF_LM);
    bool v3 = v2 && all(saved, 0x06) /* XMM, YMM */
              && all(c1, bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C)
              && all(b7, bit_BMI | bit_AVX2 | bit_BMI2) && all(cx, bit_ABM);
    bool v4 = v3 && all(saved, 0xe6) /* and opmask, ZMM */
              && all(b7, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL);
    return v4 ? 4 : v3 ? 3 : v2 ? 2 : 1;
}

#else

int
nl_isa_level(void)
{
    return 0;
}

#endif
