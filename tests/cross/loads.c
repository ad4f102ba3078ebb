/* `loads PATH SYMBOL SYSTEM OTHER`: loads a library, and says what it then finds: the same lines on every system. It is run
 * in the directory of PATH, where OTHER is another library, which a name must not reach. */
#include <stdio.h>
#include <string.h>

#include "os.h"
#include "process.h"
#include "searchpath.h"

static const char *
base(const char *path)
{
    const char *name = path;
    for (; *path != '\0'; path++) {
        name = *path == '/' || *path == '\\' ? path + 1 : name;
    }
    return name;
}

/* How many images have the name of this one. */
static int
listed(const char *path)
{
    struct nl_linkmap map;
    int found = 0;
    enum nl_status status = nl_linkmap_read(&map);
    for (size_t i = 0; status == NL_OK && i < map.count; i++) {
        found += strcmp(base(map.items[i].path), base(path)) == 0;
    }
    nl_linkmap_free(&map);
    return found;
}

/* Whether one of the directories that the system searches has a file. */
static bool
in_system(const char *name)
{
    struct nl_search_path search;
    struct nl_fault fault = {.os_errno = 0};
    struct nl_stat state;
    bool found = false;
    enum nl_status status = nl_search_path_read(&search, &fault);
    for (size_t i = 0; status == NL_OK && i < search.count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", search.items[i].path, name);
        found = found || (length > 0 && (size_t)length < sizeof path && nl_os_stat(-1, path, &state));
    }
    nl_search_path_free(&search);
    return found;
}

int
main(int count, char **arguments)
{
    if (count != 5) {
        return 2;
    }
    const char *path = arguments[1], *symbol = arguments[2], *error = NULL;
    char where[4096];
    printf("before: listed %d, known %d\n", listed(path), nl_loaded_path(base(path), where, sizeof where));
    printf("mapped before: %d\n", nl_dlopen_loaded(path) != NULL);
    void *handle = nl_dlopen(path, 2 /* RTLD_NOW */, &error);
    printf("loaded: %d %s\n", handle != NULL, error == NULL ? "" : error);
    if (handle == NULL) {
        return 1;
    }
    printf("after: listed %d, known %d\n", listed(path), nl_loaded_path(base(path), where, sizeof where));
    printf("mapped after: %d\n", nl_dlopen_loaded(path) == handle);
    printf("symbol: %d, another: %d\n", nl_dlsym(handle, symbol) != NULL, nl_dlsym(handle, "no_such_symbol") != NULL);
    printf("system: %d, another: %d\n", in_system(arguments[3]), in_system("no-such-library.dll"));
    void *other = nl_dlopen(arguments[4], 2, &error);
    printf("from the working directory: %d, said why: %d\n", other != NULL, other == NULL && error != NULL && *error != '\0');
    return 0;
}
