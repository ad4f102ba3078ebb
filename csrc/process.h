/* What the dynamic linker of this process has mapped, and maps on demand; its C library, and its CPU. */
#ifndef NATIVELOAD_PROCESS_H
#define NATIVELOAD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* One mapped image; `soname` and `rpath` (its DT_RUNPATH, else its DT_RPATH) may be NULL. */
struct nl_image {
    char *path;
    char *soname;
    char *rpath;
};

struct nl_linkmap {
    struct nl_image *items;
    size_t count;
    size_t room;
};

/* Every image in load order; the main program, whose path is "", is the first. Free whatever the answer. */
enum nl_status nl_linkmap_read(struct nl_linkmap *map);

/* A number that is another one whenever an image has been added or removed; 0 where the linker does not tell. */
uint64_t nl_linkmap_version(void);

void nl_linkmap_free(struct nl_linkmap *map);

/* A handle, or NULL and dlerror's text, which this thread's next call replaces. */
void *nl_dlopen(const char *path, int flags, const char **error);

/* The handle of a mapped image, or NULL. */
void *nl_dlopen_loaded(const char *path);

#define NL_MOST_NAME 4096u /* bytes of a name that the linker is asked by */

/* The path of the mapped image that answers to a name. Returns whether there is one, and it fits. */
bool nl_loaded_path(const char *name, char *path, size_t room);

void *nl_dlsym(void *handle, const char *name);

/* "glibc" or "musl"; `version` is "" where it cannot be told. */
const char *nl_libc(const char **version);

/* The psABI level, 1 to 4, that this CPU has and this kernel saves the registers of; 0 where not x86-64. */
int nl_isa_level(void);

#endif
