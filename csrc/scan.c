#define _GNU_SOURCE
#include "scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"

#define ENTRY_POINTS "/entry_points.txt"
enum { PAGE = 4096, MOST_NAME = 255 * 3 }; /* Windows counts UTF-16 units */

/* What one scan works with. */
struct scanner {
    struct nl_listing *listing;
    char *buffer; /* used again for every file */
    size_t room;
    const struct nl_texts *groups;
    struct nl_fault *fault;
};

static bool
ends_with(const char *name, size_t length, const char *suffix)
{
    size_t tail = strlen(suffix);
    return length >= tail && memcmp(name + length - tail, suffix, tail) == 0;
}

static bool
is_metadata(const char *name)
{
    size_t length = strlen(name);
    return ends_with(name, length, ".dist-info") || ends_with(name, length, ".egg-info");
}

/* Makes the buffer hold `room` bytes. A page is enough for most: the kernel clears what a large one is given. */
static bool
make_room(struct scanner *scanner, size_t room)
{
    if (room <= scanner->room) {
        return true;
    }
    char *larger = realloc(scanner->buffer, room);
    if (larger == NULL) {
        return false;
    }
    scanner->buffer = larger;
    scanner->room = room;
    return true;
}

/* Reads a file into the buffer: NL_OK and its length, which is -1 for one that cannot be read or is too large. Neither
 * a FIFO nor a device is ever waited for or read. */
static enum nl_status
read_small(struct scanner *scanner, const char *path, ptrdiff_t *result)
{
    struct nl_stat found;
    size_t length = 0;
    ptrdiff_t got = -1;
    enum nl_status status = NL_OK;
    int fd = nl_os_open_listed(scanner->listing, path);
    *result = -1;
    if (fd < 0) {
        return NL_OK;
    }
    bool small = nl_os_fstat(fd, &found) && found.kind == NL_REGULAR && found.signature.size <= NL_MOST_ENTRY_POINTS;
    size_t size = small ? (size_t)found.signature.size : 0;
    if (small && !make_room(scanner, size < PAGE ? PAGE : size + 1)) {
        status = NL_NO_MEMORY;
    } else if (small) {
        do {
            got = nl_os_read(fd, length, scanner->buffer + length, scanner->room - length);
            length += got > 0 ? (size_t)got : 0;
            /* a read that gives all that fstat promised needs no second one to see the end */
        } while (got > 0 && length < size);
    }
    nl_os_close(fd);
    *result = got < 0 || length > NL_MOST_ENTRY_POINTS ? -1 : (ptrdiff_t)length;
    return status;
}

/* Whether a text has "[" and one of the groups: one pass, however many there are. */
static bool
names_group(const char *text, size_t length, const struct nl_texts *groups)
{
    const char *end = text + length;
    while ((text = memchr(text, '[', (size_t)(end - text))) != NULL) {
        text++;
        for (size_t i = 0; i < groups->count; i++) {
            size_t wanted = strlen(groups->items[i]);
            if ((size_t)(end - text) >= wanted && memcmp(text, groups->items[i], wanted) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Keeps the text of the distribution's entry points where it names a group that is wanted. */
static enum nl_status
take_text(struct scanner *scanner, struct nl_distribution *distribution)
{
    char path[MOST_NAME + sizeof ENTRY_POINTS];
    size_t length = strlen(distribution->name);
    if (length > MOST_NAME) {
        return NL_OK;
    }
    memcpy(path, distribution->name, length);
    memcpy(path + length, ENTRY_POINTS, sizeof ENTRY_POINTS);
    ptrdiff_t got;
    enum nl_status status = read_small(scanner, path, &got);
    if (status != NL_OK || got < 0 || !names_group(scanner->buffer, (size_t)got, scanner->groups)) {
        return status;
    }
    distribution->text = malloc((size_t)got + 1);
    if (distribution->text == NULL) {
        return NL_NO_MEMORY;
    }
    memcpy(distribution->text, scanner->buffer, (size_t)got);
    distribution->length = (size_t)got;
    return NL_OK;
}

static enum nl_status
add_name(struct nl_scan *scan, const char *name)
{
    if (scan->count == scan->room) {
        size_t room = scan->room ? 2 * scan->room : 64;
        struct nl_distribution *items = realloc(scan->items, room * sizeof *items);
        if (items == NULL) {
            return NL_NO_MEMORY;
        }
        scan->items = items;
        scan->room = room;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return NL_NO_MEMORY;
    }
    scan->items[scan->count++] = (struct nl_distribution){.name = copy};
    return NL_OK;
}

static int
compare_names(const void *left, const void *right)
{
    const struct nl_distribution *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Collects the names first: reading is left to the second pass, in sorted order. */
static enum nl_status
list_names(struct scanner *scanner, struct nl_scan *scan)
{
    enum nl_status status = NL_OK;
    while (status == NL_OK) {
        const char *name = nl_os_next(scanner->listing);
        if (name == NULL) {
            return errno != 0 ? nl_os_error(scanner->fault, errno) : NL_OK;
        }
        if (is_metadata(name)) {
            status = add_name(scan, name);
        }
    }
    return status;
}

enum nl_status
nl_scan_read(struct nl_scan *scan, const char *directory, const struct nl_texts *groups, struct nl_fault *fault)
{
    struct scanner scanner = {.groups = groups, .fault = fault};
    *scan = (struct nl_scan){.count = 0};
    scanner.listing = nl_os_list(directory);
    enum nl_status status = scanner.listing == NULL ? nl_os_error(fault, errno) : list_names(&scanner, scan);
    if (status == NL_OK && scan->count > 0) {
        qsort(scan->items, scan->count, sizeof *scan->items, compare_names);
    }
    for (size_t i = 0; status == NL_OK && i < scan->count; i++) {
        status = take_text(&scanner, &scan->items[i]);
    }
    if (scanner.listing != NULL) {
        nl_os_list_end(scanner.listing);
    }
    free(scanner.buffer);
    return status;
}

void
nl_scan_free(struct nl_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        free(scan->items[i].name);
        free(scan->items[i].text);
    }
    free(scan->items);
}
