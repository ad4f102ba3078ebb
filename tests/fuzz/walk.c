/* A walk over files that are not there: this stands in for images.c, file.c and process.c.
 *
 * The input is lines, so that its parts can be exchanged. The first has the linker's letters (m musl, s secure, r
 * keeps tries, h has subdirectories, n is of a newer glibc, k has something loaded already), the next three
 * LD_LIBRARY_PATH, what is preloaded, and the DT_RPATH of the program. Then files, each its path and below it lines
 * that start with what they say: "+" needs, "a" an auxiliary filter, "f" a filter, "s" soname, "r" rpath, "u"
 * runpath, "v" a version it defines, "w" one it wants (the giver's name, a space, the version), "p" is a program, "n"
 * has no default directories, "x" is of another machine, "b" is not sound, "=" has the identity of the file with that
 * number. The first file is the one that is opened.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "walk.h"

enum { MOST_FILES = 64, MOST_ITEMS = 64 };

struct file {
    struct nl_facts facts;
    uint32_t items[4][4 * MOST_ITEMS];
};

static struct file *files;
static uint32_t file_count;
static char *content; /* the input, its lines each with a NUL */

/* ---- what stands in for the machine ---- */

enum nl_status
nl_images_read(struct nl_images *images, const char *path, size_t length, struct nl_facts **facts)
{
    FUZZ_CHECK(strlen(path) == length);
    for (uint32_t i = 0; i < file_count; i++) {
        if (strcmp(files[i].facts.path, path) == 0) {
            *facts = &files[i].facts;
            return NL_OK;
        }
    }
    /* the last letter of what is not there says what is wrong with it */
    const char last = length > 0 ? path[length - 1] : '/';
    return nl_os_error(&images->fault, last == '/' ? EISDIR : last == 'E' ? ELOOP : last == 'A' ? EACCES : ENOENT);
}

enum nl_status
nl_images_mapped(struct nl_images *images, const char *path, struct nl_facts **facts)
{
    return nl_images_read(images, path, strlen(path), facts);
}

bool
nl_images_exports(const struct nl_images *images, const char *path, const char *const *names, size_t count)
{
    (void)images, (void)names;
    return strlen(path) % 7 == count;
}

bool
nl_images_place(const struct nl_images *images, const char *directory, uint32_t *value)
{
    (void)images;
    *value = strlen(directory) % 2;
    return strlen(directory) % 3 == 0;
}

enum nl_status
nl_images_keep_place(struct nl_images *images, const char *directory, uint32_t value)
{
    (void)images, (void)directory, (void)value;
    return NL_OK;
}

bool
nl_file_exists(int root, const char *path)
{
    (void)root;
    return strlen(path) % 2;
}

bool
nl_file_is_directory(int root, const char *path)
{
    (void)root;
    return strlen(path) % 2;
}

bool
nl_file_is_setuid(int root, const char *path)
{
    (void)root;
    return strlen(path) % 2;
}

char *
nl_file_real(int root, const char *path)
{
    (void)root;
    return strlen(path) % 2 ? strdup(path) : NULL;
}

enum nl_status
nl_images_process(struct nl_images *images)
{
    (void)images;
    return NL_OK;
}

bool
nl_loaded_path(const char *name, char *path, size_t room)
{
    (void)name, (void)path, (void)room;
    return false;
}

/* ---- the input ---- */

static void
add(struct nl_list *list, uint32_t item)
{
    if (list->count < 4 * MOST_ITEMS) {
        list->items[list->count++] = item;
    }
}

static void
take_line(struct file *file, char *line)
{
    struct nl_facts *facts = &file->facts;
    uint32_t text = (uint32_t)(line + 1 - content);
    char *space = strchr(line, ' ');
    switch (*line) {
    case '+':
        add(&facts->needed, text);
        break;
    case 'a':
    case 'f':
        if (facts->filters.count + 3 <= 4 * MOST_ITEMS) {
            add(&facts->filters, *line == 'f' ? 2 : 1);
            add(&facts->filters, facts->needed.count);
            add(&facts->filters, text);
        }
        break;
    case 's':
        facts->soname = text;
        break;
    case 'r':
        facts->rpath = text;
        break;
    case 'u':
        facts->runpath = text;
        break;
    case 'v':
        add(&facts->verdef, text);
        break;
    case 'w':
        if (space != NULL && facts->verneed.count + 4 <= 4 * MOST_ITEMS) {
            *space = '\0';
            add(&facts->verneed, text);
            add(&facts->verneed, 1);
            add(&facts->verneed, (uint32_t)(space + 1 - content));
            add(&facts->verneed, space[1] == 'W');
        }
        break;
    case 'p':
        facts->type = 2;
        break;
    case 'n':
        facts->flags_1 = 0x800;
        break;
    case 'x':
        facts->machine = 3;
        break;
    case 'b':
        facts->status = NL_MALFORMED;
        facts->fault.what = "it is not sound";
        break;
    case '=':
        facts->signature.ino = (uint64_t)(line[1] & 63);
        break;
    default:
        break;
    }
}

static void
start_file(char *line)
{
    struct file *file = &files[file_count];
    file->facts = (struct nl_facts){.path = line, .text = content, .wide = true, .machine = 62, .type = 3};
    file->facts.signature.ino = file_count++;
    struct nl_list *lists[] = {&file->facts.needed, &file->facts.filters, &file->facts.verneed, &file->facts.verdef};
    for (size_t i = 0; i < 4; i++) {
        lists[i]->items = file->items[i];
    }
}

/* ---- what must be so ---- */

static void
check(const struct nl_walk *walk)
{
    uint32_t count = 0;
    int32_t previous = -1;
    for (int32_t at = walk->first; at >= 0; at = walk->nodes[at].next) {
        FUZZ_CHECK(walk->nodes[at].previous == previous && ++count <= walk->node_count);
        previous = at;
    }
    FUZZ_CHECK(count == walk->node_count && walk->last == previous);
    for (uint32_t i = 0; i < walk->edge_count; i++) {
        const struct nl_edge *edge = &walk->edges[i];
        FUZZ_CHECK(edge->node < (int32_t)walk->node_count && edge->owner < (int32_t)walk->node_count);
        FUZZ_CHECK(edge->tries + edge->try_count <= walk->try_count);
        FUZZ_CHECK(edge->node < 0 || edge->path != NULL);
    }
    for (uint32_t i = 0; i < walk->lack_count; i++) {
        FUZZ_CHECK(walk->lacks[i].node < walk->node_count);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const defaults[] = {"/d", "/e"}, *const below[] = {"h", "h/i"};
    char *head[4] = {"", "", "", ""};
    const char *opened[2], *item[1];
    size_t lines = 0;
    struct nl_images images = {.root = -1};
    bool fresh = true;
    files = files != NULL ? files : malloc(MOST_FILES * sizeof *files);
    content = malloc(size + 2);
    content[0] = '\0';
    memcpy(content + 1, bytes, size);
    content[size + 1] = '\0';
    file_count = 0;
    for (char *line = content + 1, *end; line <= content + size; line = end + 1) {
        end = line + strcspn(line, "\n");
        *end = '\0';
        if (lines < 4) {
            head[lines++] = line;
        } else if (fresh && file_count < MOST_FILES && *line != '\0') {
            start_file(line);
            fresh = false;
        } else if (*line == '\0') {
            fresh = true;
        } else if (file_count > 0) {
            take_line(&files[file_count - 1], line);
        }
    }
    if (file_count == 0) {
        free(content);
        return 0;
    }
    struct nl_rules rules = {
        .musl = strchr(head[0], 'm') != NULL,
        .secure = strchr(head[0], 's') != NULL,
        .release = strchr(head[0], 'n') != NULL ? 43 : 36,
        .wide = true,
        .machine = 62,
        .defaults = {.items = (const char **)defaults, .count = 2},
        .subdirectories = {.items = (const char **)below, .count = strchr(head[0], 'h') != NULL ? 2 : 0},
        .lib = "l",
        .platform = "",
        .self = "/d/ld.so",
    };
    struct nl_walk walk = {
        .rules = &rules, .images = &images, .record = strchr(head[0], 'r') != NULL, .first = -1, .last = -1};
    item[0] = head[1];
    rules.library_path = (struct nl_texts){.items = item, .count = *head[1] != '\0'};
    rules.program_rpath = (struct nl_texts){.items = (const char **)&head[3], .count = *head[3] != '\0'};
    opened[0] = files[0].facts.path;
    opened[1] = head[2];
    enum nl_status status = strchr(head[0], 'k') != NULL ? nl_walk_known(&walk, "known", "/d/known") : NL_OK;
    if (status == NL_OK) {
        status = nl_walk_open(&walk, opened, *head[2] != '\0' ? 2 : 1);
    }
    if (status == NL_OK && !walk.fatal && file_count > 1) { /* what follows in the same process */
        opened[0] = files[file_count - 1].facts.path;
        status = nl_walk_open(&walk, opened, 1);
    }
    if (status == NL_OK) {
        status = nl_walk_versions(&walk);
    }
    if (status == NL_OK) {
        check(&walk);
    }
    for (uint32_t i = 0; i < file_count; i++) {
        nl_map_free(&files[i].facts.versions);
    }
    nl_walk_free(&walk);
    nl_map_free(&images.cached);
    free(content);
    return 0;
}
