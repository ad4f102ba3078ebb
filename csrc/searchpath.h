/* The directories that a dlopen in this process searches, and what put each of them there. */
#ifndef NATIVELOAD_SEARCHPATH_H
#define NATIVELOAD_SEARCHPATH_H

#include <stddef.h>

#include "status.h"

struct nl_directory {
    char *path;
    const char *kind; /* "rpath", "LD_LIBRARY_PATH" or "default" */
};

struct nl_search_path {
    struct nl_directory *items;
    size_t count;
    size_t room;
};

/* Where a dlopen from this module searches. Free whatever the answer. */
enum nl_status nl_search_path_read(struct nl_search_path *search, struct nl_fault *fault);

/* The same without the kinds (all are "default"), which glibc does not tell and which take a read of /proc. */
enum nl_status nl_searched_read(struct nl_search_path *search, struct nl_fault *fault);

void nl_search_path_free(struct nl_search_path *search);

#endif
