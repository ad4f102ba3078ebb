/* Modules, DLL directories and versions of a Windows process. */
#ifdef _WIN32

#include "process.h"

#define PSAPI_VERSION 2
#include "wide.h"

#include <psapi.h>
#include <stdio.h>

#include "searchpath.h"

enum { MOST_PATH = 32768 }; /* what a path of Windows has at most, in UTF-16 units */

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '\\');
    return slash == NULL ? path : slash + 1;
}

static char *
path_of(HMODULE module)
{
    wchar_t *wide = malloc(MOST_PATH * sizeof *wide);
    DWORD length = wide == NULL ? 0 : GetModuleFileNameW(module, wide, MOST_PATH);
    char *path = length > 0 && length < MOST_PATH ? nl_narrow(wide) : NULL;
    free(wide);
    return path;
}

/* All modules, the program first; NULL without memory. */
static HMODULE *
modules(size_t *count)
{
    DWORD size = 256 * sizeof(HMODULE), needed = 0;
    for (;;) {
        HMODULE *items = malloc(size);
        if (items == NULL || !EnumProcessModules(GetCurrentProcess(), items, size, &needed)) {
            free(items);
            return NULL;
        }
        if (needed <= size) {
            *count = needed / sizeof *items;
            return items;
        }
        free(items);
        size = needed + 64 * sizeof(HMODULE); /* another thread may be loading some */
    }
}

enum nl_status
nl_linkmap_read(struct nl_linkmap *map)
{
    size_t count = 0;
    HMODULE *items = modules(&count);
    *map = (struct nl_linkmap){.items = calloc(count + 1, sizeof *map->items), .room = count + 1};
    enum nl_status status = items == NULL || map->items == NULL ? NL_NO_MEMORY : NL_OK;
    for (size_t i = 0; status == NL_OK && i < count; i++) {
        char *path = path_of(items[i]);
        if (path == NULL) {
            continue; /* it has been unloaded meanwhile */
        }
        struct nl_image *image = &map->items[map->count++];
        image->path = i == 0 ? strdup("") : path;
        image->soname = strdup(base_name(path)); /* by which the loader knows it again */
        status = image->path == NULL || image->soname == NULL ? NL_NO_MEMORY : NL_OK;
        if (i == 0) {
            free(path);
        }
    }
    free(items);
    return status;
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
    }
    free(map->items);
    *map = (struct nl_linkmap){.count = 0};
}

static const char *
words_of(DWORD error)
{
    static __thread char words[512];
    wchar_t text[256];
    DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;
    DWORD length = FormatMessageW(flags, NULL, error, 0, text, 256, NULL);
    while (length > 0 && (text[length - 1] == L'\n' || text[length - 1] == L'\r')) {
        text[--length] = L'\0';
    }
    if (length == 0 || WideCharToMultiByte(CP_UTF8, 0, text, -1, words, sizeof words, NULL, NULL) == 0) {
        snprintf(words, sizeof words, "error %lu", error);
    }
    return words;
}

/* As CPython loads an extension module: what it needs is looked for beside it, in the directories that were added, in
 * System32; never in the working directory or along PATH. */
void *
nl_dlopen(const char *path, int flags, const char **error)
{
    wchar_t *wide = nl_wide(path);
    DWORD how = LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR;
    HMODULE module = wide == NULL ? NULL : LoadLibraryExW(wide, NULL, how);
    (void)flags;
    *error = module == NULL ? words_of(wide == NULL ? ERROR_INVALID_NAME : GetLastError()) : NULL;
    free(wide);
    return (void *)module;
}

void *
nl_dlopen_loaded(const char *path)
{
    wchar_t *wide = nl_wide(path);
    HMODULE module = NULL;
    if (wide != NULL) {
        GetModuleHandleExW(0, wide, &module);
    }
    free(wide);
    return (void *)module;
}

bool
nl_loaded_path(const char *name, char *path, size_t room)
{
    HMODULE module = strlen(name) < NL_MOST_NAME ? nl_dlopen_loaded(name) : NULL;
    char *found = module == NULL ? NULL : path_of(module);
    bool fits = found != NULL && strlen(found) < room;
    if (fits) {
        strcpy(path, found);
    }
    free(found);
    return fits;
}

void *
nl_dlsym(void *handle, const char *name)
{
    FARPROC address = GetProcAddress((HMODULE)handle, name);
    void *result;
    memcpy(&result, &address, sizeof result);
    return result;
}

/* "windows", and the version that GetVersion hides from programs without a manifest. */
const char *
nl_libc(const char **version)
{
    static char text[48];
    FARPROC address = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlGetVersion");
    LONG(WINAPI * get)(OSVERSIONINFOW *) = NULL;
    OSVERSIONINFOW info = {.dwOSVersionInfoSize = sizeof info};
    memcpy(&get, &address, sizeof get);
    if (get != NULL && get(&info) == 0) {
        snprintf(text, sizeof text, "%lu.%lu.%lu", info.dwMajorVersion, info.dwMinorVersion, info.dwBuildNumber);
    }
    *version = text;
    return "windows";
}

/* ---- the directories of LOAD_LIBRARY_SEARCH_DEFAULT_DIRS ---- */

static enum nl_status
add_directory(struct nl_search_path *search, char *path, const char *kind)
{
    struct nl_directory *items = realloc(search->items, (search->count + 1) * sizeof *items);
    search->items = items != NULL ? items : search->items;
    if (path == NULL || items == NULL) {
        free(path);
        return NL_NO_MEMORY;
    }
    items[search->count++] = (struct nl_directory){.path = path, .kind = kind};
    return NL_OK;
}

/* What AddDllDirectory was given, by the function that LoadLibraryExW asks itself; none where ntdll.dll has it not. */
static enum nl_status
add_added(struct nl_search_path *search)
{
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    FARPROC found[] = {GetProcAddress(ntdll, "LdrGetDllPath"), GetProcAddress(ntdll, "RtlReleasePath")};
    LONG(WINAPI * get)(const wchar_t *, ULONG, wchar_t **, wchar_t **) = NULL;
    void(WINAPI * release)(wchar_t *) = NULL;
    wchar_t *list = NULL, *unused = NULL;
    memcpy(&get, &found[0], sizeof get);
    memcpy(&release, &found[1], sizeof release);
    if (get == NULL || release == NULL || get(L"", LOAD_LIBRARY_SEARCH_USER_DIRS, &list, &unused) != 0 || list == NULL) {
        return NL_OK;
    }
    char *text = nl_narrow(list), *end = NULL;
    enum nl_status status = text == NULL ? NL_NO_MEMORY : NL_OK;
    release(list);
    for (char *at = text; status == NL_OK && at != NULL && *at != '\0'; at = end) {
        size_t length = strcspn(at, ";");
        end = at[length] == ';' ? at + length + 1 : at + length;
        at[length] = '\0';
        status = length > 0 ? add_directory(search, strdup(at), "AddDllDirectory") : NL_OK;
    }
    free(text);
    return status;
}

enum nl_status
nl_search_path_read(struct nl_search_path *search, struct nl_fault *fault)
{
    wchar_t system[MAX_PATH];
    char *program = path_of(NULL);
    char *slash = program == NULL ? NULL : strrchr(program, '\\');
    (void)fault;
    *search = (struct nl_search_path){.count = 0};
    if (slash != NULL) {
        *slash = '\0';
    }
    enum nl_status status = add_directory(search, program, "default");
    status = status == NL_OK ? add_added(search) : status;
    UINT length = GetSystemDirectoryW(system, MAX_PATH);
    bool has = status == NL_OK && length > 0 && length < MAX_PATH;
    return has ? add_directory(search, nl_narrow(system), "default") : status;
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

typedef int nl_process_is_not_of_windows;

#endif
