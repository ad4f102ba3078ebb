/* The facts of files, each read once. */
#ifndef NATIVELOAD_IMAGES_H
#define NATIVELOAD_IMAGES_H

#include "elf.h"
#include "map.h"
#include "process.h"

#define NL_MOST_IMAGES 65536u /* kept; then the table is emptied */
#define NL_MOST_PLACES 65536u /* the same of directories */

/* What a file's headers say, or why they say nothing (`status`, never NL_OS_ERROR). */
struct nl_facts {
    char *path;
    uint32_t round; /* the round in which it was last seen to be unchanged */
    uint64_t mapped; /* the version of the link map in which it was asked for as an image of this process */
    struct nl_signature signature;
    enum nl_status status;
    struct nl_fault fault;
    bool wide;
    bool big;
    bool dynamic;     /* it has a dynamic section with names in it */
    const char *flaw; /* of its header, as struct nl_elf has it */
    uint8_t osabi;
    uint16_t type;
    uint16_t machine;
    uint32_t flags;
    uint32_t isa_needed;
    uint64_t flags_1;
    nl_string interp;
    nl_string soname;
    nl_string rpath;
    nl_string runpath;
    struct nl_list needed;
    struct nl_list filters;
    struct nl_list verneed;
    struct nl_list verdef;
    char *text;
    uint32_t size; /* of the text and the lists, in bytes */
    struct nl_map versions; /* those of `verdef`, once somebody has asked for one */
    bool symtab_read;
    enum nl_status symtab_status;
    struct nl_fault symtab_fault;
    struct nl_symtab *symtab; /* symtab.h, NULL where there is none */
};

struct nl_images {
    int root;       /* the directory that paths are below, -1: "/" */
    uint32_t round; /* within one, no file is looked at twice */
    uint32_t users; /* who hold facts: nothing is freed meanwhile */
    bool symbols;   /* read the symbol tables of each file with its facts: then it is opened once */
    struct nl_map by_path;
    struct nl_facts **items;
    uint32_t count;
    uint32_t room;
    struct nl_map places; /* directories looked at in this round */
    struct nl_map cached; /* where in ld.so.cache the path of each name is that was found there */
    struct nl_linkmap process; /* the images of this process, as they were at a version of its link map */
    uint64_t process_version;
    uint64_t held; /* bytes of symbol tables */
    struct nl_fault fault; /* of the last status that was not NL_OK */
    struct nl_elf *elf;    /* to read with */
};

/* The facts of the file at `path`. NL_OS_ERROR where it cannot be opened or is no regular file. They are valid
 * until nl_images_clear. */
enum nl_status nl_images_read(struct nl_images *images, const char *path, size_t length, struct nl_facts **facts);

/* The same of an image of this process, read once while the link map stays: what is mapped does not change. */
enum nl_status nl_images_mapped(struct nl_images *images, const char *path, struct nl_facts **facts);

/* Whether the file at a path exports all of these names. */
bool nl_images_exports(const struct nl_images *images, const char *path, const char *const *names, size_t count);

/* From here on, what was read is looked at again: only what has changed is read anew. */
void nl_images_next_round(struct nl_images *images);

/* What was kept of a directory in this round. Returns false where nothing was. */
bool nl_images_place(const struct nl_images *images, const char *directory, uint32_t *value);

enum nl_status nl_images_keep_place(struct nl_images *images, const char *directory, uint32_t value);

/* Reads `process` where it may have changed. */
enum nl_status nl_images_process(struct nl_images *images);

void nl_images_clear(struct nl_images *images);

/* A string of a file's facts, NULL where it has none. */
static inline const char *
nl_text(const struct nl_facts *facts, nl_string string)
{
    return string == 0 ? NULL : facts->text + string;
}

#endif
