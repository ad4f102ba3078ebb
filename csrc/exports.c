#include "exports.h"

#include <stdlib.h>
#include <string.h>

static int
compare_offsets(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static int
compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The offsets of the exported symbols' names, sorted, once each. */
static enum nl_status
exported_offsets(struct nl_elf *elf, const struct nl_symbols *symbols, struct nl_list *offsets)
{
    uint32_t count = 0, kept = 0;
    struct nl_symbol symbol;
    enum nl_status status = nl_symbols_count(elf, symbols, &count);
    if (status == NL_OK && count > NL_MOST_SYMBOLS) {
        status = nl_too_many(&elf->file.fault, "dynamic symbols", NL_MOST_SYMBOLS);
    }
    for (uint32_t i = 1; status == NL_OK && i < count; i++) {
        status = nl_symbols_read(elf, symbols, i, &symbol);
        if (status == NL_OK && symbol.exported && symbol.name != 0) {
            status = nl_list_add(offsets, symbol.name);
        }
    }
    if (status == NL_OK && offsets->count > 0) {
        qsort(offsets->items, offsets->count, sizeof *offsets->items, compare_offsets);
        for (uint32_t i = 0; i < offsets->count; i++) {
            if (i == 0 || offsets->items[i] != offsets->items[i - 1]) {
                offsets->items[kept++] = offsets->items[i];
            }
        }
        offsets->count = kept;
    }
    return status;
}

/* Reads the whole string table, and points a name at each offset. */
static enum nl_status
read_names(struct nl_elf *elf, const struct nl_list *offsets, struct nl_exports *exports)
{
    uint64_t size = elf->strings.end - elf->strings.start;
    if (size > NL_MOST_STRTAB) {
        return nl_too_many(&elf->file.fault, "bytes of dynamic strings", NL_MOST_STRTAB);
    }
    exports->strings = malloc((size_t)size + 1);
    exports->names = malloc(offsets->count * sizeof *exports->names);
    if (exports->strings == NULL || exports->names == NULL) {
        return NL_NO_MEMORY;
    }
    enum nl_status status =
        nl_file_read(&elf->file, elf->strings.start, exports->strings, (size_t)size, "the string table ends");
    uint64_t budget = 4 * size; /* a name may be the tail of others, but not of everything */
    for (uint32_t i = 0; status == NL_OK && i < offsets->count; i++) {
        uint32_t offset = offsets->items[i];
        const char *name = exports->strings + offset;
        const char *nul = offset < size ? memchr(name, 0, (size_t)size - offset) : NULL;
        if (nul == NULL) {
            return nl_fail(&elf->file.fault, NL_MALFORMED, "a symbol's name runs out of the string table");
        }
        uint64_t length = (uint64_t)(nul - name);
        if (length > budget) {
            return nl_fail(&elf->file.fault, NL_MALFORMED, "the symbols' names overlap beyond measure");
        }
        budget -= length;
        if (length > 0) {
            exports->names[exports->count++] = name;
        }
    }
    return status;
}

enum nl_status
nl_exports_read(struct nl_elf *elf, const struct nl_symbols *symbols, struct nl_exports *exports)
{
    struct nl_list offsets = {.count = 0};
    size_t kept = 0;
    *exports = (struct nl_exports){.count = 0};
    enum nl_status status = NL_OK;
    if (symbols->kind != NL_HASH_NONE) {
        status = exported_offsets(elf, symbols, &offsets);
    }
    if (status == NL_OK && offsets.count > 0) {
        status = read_names(elf, &offsets, exports);
    }
    if (status == NL_OK && exports->count > 0) {
        qsort(exports->names, exports->count, sizeof *exports->names, compare_names);
        for (size_t i = 0; i < exports->count; i++) {
            if (i == 0 || strcmp(exports->names[i], exports->names[i - 1]) != 0) {
                exports->names[kept++] = exports->names[i];
            }
        }
        exports->count = kept;
    }
    free(offsets.items);
    return status;
}

void
nl_exports_free(struct nl_exports *exports)
{
    free(exports->strings);
    free(exports->names);
}
