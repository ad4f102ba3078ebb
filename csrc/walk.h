/* What the dynamic linker would map for a file: breadth first, nothing mapped (glibc's elf/dl-deps.c, elf/dl-load.c;
 * musl's ldso/dynlink.c). */
#ifndef NATIVELOAD_WALK_H
#define NATIVELOAD_WALK_H

#include "images.h"

/* A list of texts. */
struct nl_texts {
    const char **items;
    uint32_t count;
    uint32_t room;
};

/* One linker, for one process: where it looks. */
struct nl_rules {
    bool musl;
    bool wide;
    bool big;
    bool secure;
    int release; /* of glibc 2 */
    uint16_t machine;
    struct nl_texts library_path;   /* LD_LIBRARY_PATH, expanded */
    struct nl_texts defaults;       /* the last directories */
    struct nl_texts subdirectories; /* looked into below each directory, before it */
    struct nl_texts hwcaps;         /* the names of the cache's that this CPU takes, best first */
    struct nl_texts program_rpath;  /* the DT_RPATH of the program, where that is no node of the walk */
    const char *lib;                /* $LIB */
    const char *platform;           /* $PLATFORM */
    const char *self;               /* the linker's own path */
    const unsigned char *cache;     /* ld.so.cache */
    size_t cache_size;
    int32_t cache_flags;
};

enum nl_how {
    NL_MISSING,
    NL_LOADED, /* by a node of this walk or by the process */
    NL_RPATH_OF,
    NL_LIBRARY_PATH,
    NL_RUNPATH_OF,
    NL_CACHE,
    NL_DEFAULT,
    NL_PATH,
};

enum nl_kind { NL_NEEDED, NL_AUXILIARY, NL_FILTERED };

/* A path that was looked at for a name, and why it was passed over; `why` is NULL where there was nothing. */
struct nl_try {
    const char *path;
    const char *why;
    enum nl_how how;
};

struct nl_edge {
    const char *name; /* expanded */
    const char *path; /* NULL where nothing was found */
    const char *fatal; /* why the linker gives up at `path`; NULL where it does not */
    enum nl_how how;
    enum nl_kind kind;
    int32_t node;  /* that answers, -1 for none */
    int32_t owner; /* NL_RPATH_OF: the node that has it, -1 for the program */
    uint32_t tries; /* where its tries start, and how many there are */
    uint32_t try_count;
};

struct nl_node {
    struct nl_facts *facts;
    const char *path;
    const char *origin; /* of $ORIGIN, `origin_length` bytes */
    uint32_t origin_length;
    int32_t loader; /* the node that wanted it, -1 for none */
    int32_t above;  /* the next one up, of those that wanted it, whose rpath serves; -1 for none */
    int32_t next;   /* in load order, -1 for the last */
    int32_t previous;
    bool program;
    bool named; /* by musl, which knows a file by the name of the first path by which a search has found it */
    bool done;
    bool expanded;
    struct nl_texts rpath;
    struct nl_texts runpath;
    uint32_t edges; /* where its edges start, and how many there are */
    uint32_t edge_count;
};

/* A version that a file wants of a giver and does not get. */
struct nl_lack {
    uint32_t node;
    const char *file;    /* as the file names the giver */
    const char *version;
    const char *giver;   /* its path, NULL where nothing has that name */
};

struct nl_walk {
    const struct nl_rules *rules;
    struct nl_images *images;
    bool process; /* among the images of this process, whose linker is asked too */
    bool record;  /* keep every try */
    bool own;     /* refuse a file that another linker would map, or a program: NL_MALFORMED */
    bool preloading; /* what LD_PRELOAD names is looked for */
    struct nl_node *nodes;
    uint32_t node_count, node_room;
    struct nl_edge *edges;
    uint32_t edge_count, edge_room;
    struct nl_try *tries;
    uint32_t try_count, try_room;
    struct nl_lack *lacks;
    uint32_t lack_count, lack_room;
    int32_t first, last; /* the nodes in load order */
    int32_t filter;      /* the first node that the one being followed was found to filter for, -1 for none */
    bool fatal;
    struct nl_map names;  /* every name that is answered: a node, or `loaded` counted from NL_IS_LOADED */
    struct nl_map files;  /* (dev, ino) of the nodes */
    struct nl_texts loaded; /* paths of what was there before */
    uint32_t mapped, mapped_end; /* those of them that are this process's images */
    struct nl_texts basenames; /* the last parts of these */
    void **blocks; /* of memory */
    uint32_t block_count, block_room;
    size_t block_left;
    char *block_next;
    char *buffer; /* for the path being tried */
    size_t buffer_room;
    uint64_t spent; /* of NL_MOST_EFFORT */
};

#define NL_IS_LOADED 0x80000000u
#define NL_MOST_NODES 100000u
#define NL_MOST_NAMES (1u << 20)    /* followed in one walk */
#define NL_MOST_EFFORT (128u << 20) /* of one walk: bytes of paths tried and directories named, steps from file to file */
#define NL_LONGEST_PATH 4095u       /* that the kernel takes */
enum { NL_ONE_TRY = 64, NL_ONE_FILE = 1024 }; /* what looking for a file costs besides, and finding one */

/* Adds an image that is there before anything is mapped: by the name that answers for it. */
enum nl_status nl_walk_known(struct nl_walk *walk, const char *name, const char *path);

/* Adds all images of this process. */
enum nl_status nl_walk_process(struct nl_walk *walk);

/* Maps a file by path, what is preloaded with it by path or by name, then all that they need. Where the first of all
 * is a program, it is who loads the others. NL_OS_ERROR or what is wrong with the file's content where it cannot be
 * read: images->fault has the details. */
enum nl_status nl_walk_open(struct nl_walk *walk, const char **paths, uint32_t count);

/* Fills `lacks`. */
enum nl_status nl_walk_versions(struct nl_walk *walk);

void nl_walk_free(struct nl_walk *walk);

/* ---- between the files of the walk: nodes.c, walk.c, lacks.c, search.c, candidate.c, tokens.c ---- */

enum nl_status nl_walk_name(struct nl_walk *walk, const char *name, uint32_t value);

/* Whether an image has this file name, though perhaps another DT_SONAME: it may have been requested by it. */
bool nl_walk_may_know(const struct nl_walk *walk, const char *name);

/* Fills the edge where the process has an image that was once requested by its name, which its linker alone knows. */
bool nl_walk_requested(struct nl_walk *walk, struct nl_edge *edge);

bool nl_is_program(const struct nl_facts *facts);

/* The node of a file that is mapped under whatever name, -1 where there is none. */
int32_t nl_walk_node_of(struct nl_walk *walk, const struct nl_facts *facts);

/* Adds a node, not yet in the order, and all names that it answers to. */
enum nl_status nl_walk_add(struct nl_walk *walk, const char *path, struct nl_facts *facts, int32_t loader, int32_t *added);

void nl_walk_append(struct nl_walk *walk, int32_t index);

/* A copy that lives as long as the walk; NULL without memory. */
char *nl_walk_copy(struct nl_walk *walk, const char *text, size_t length);

/* Counts what a walk costs: names, directories and files multiply. NL_TOO_MANY where it has had its share. */
enum nl_status nl_walk_spend(struct nl_walk *walk, uint64_t effort);

enum nl_status nl_texts_add(struct nl_texts *texts, const char *text);

/* Why the linker gives up at a file of the right name; NULL where it takes it, or (`next`) looks further. Debian's
 * asks for the machine before all that follows; without its patch, a foreign byte order or OSABI ends the search
 * whatever the machine. `starts`: what a program starts with, not what is loaded by dlopen. */
const char *nl_refusal(const struct nl_rules *rules, const struct nl_facts *facts, bool starts, bool *next);

/* The words for a file that cannot be read. */
const char *nl_words(struct nl_walk *walk, enum nl_status status, const struct nl_fault *fault);

/* Whether there is a directory where a path says that its file is. */
bool nl_in_directory(struct nl_walk *walk, const char *path, size_t length);

/* What a text means to a node: $ORIGIN, $LIB and $PLATFORM put in; NULL where one of them stands for nothing. */
enum nl_status nl_expand(struct nl_walk *walk, const struct nl_node *node, const char *text, size_t length,
                         const char **result);

/* Whether a text has a dynamic string token in it. */
bool nl_has_token(const struct nl_walk *walk, const struct nl_node *node, const char *text);

/* Fills a node's rpath and runpath. */
enum nl_status nl_expand_paths(struct nl_walk *walk, struct nl_node *node);

/* Looks for edge->name as the node `requester` (-1: none) needs it. Fills the edge; `facts` where a file was found. */
enum nl_status nl_search(struct nl_walk *walk, int32_t requester, struct nl_edge *edge, struct nl_facts **facts);

#endif
