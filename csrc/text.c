#include "elf.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"

enum nl_status
nl_list_add(struct nl_list *list, uint32_t item)
{
    uint32_t *items = nl_grow(list->items, list->count, &list->room, sizeof *items);
    if (items == NULL) {
        return NL_NO_MEMORY;
    }
    list->items = items;
    list->items[list->count++] = item;
    return NL_OK;
}

enum nl_status
nl_elf_reserve(struct nl_elf *elf, size_t length)
{
    if (elf->text_used > elf->text_most || length > elf->text_most - elf->text_used) {
        return nl_too_many(&elf->file.fault, "bytes of names", elf->text_most);
    }
    size_t wanted = elf->text_used + length;
    if (wanted <= elf->text_room) {
        return NL_OK;
    }
    size_t room = wanted < 512 ? 1024 : 2 * wanted;
    char *text = realloc(elf->text, room);
    if (text == NULL) {
        return NL_NO_MEMORY;
    }
    elf->text = text;
    elf->text_room = (uint32_t)room;
    return NL_OK;
}

enum nl_status
nl_elf_copy_string(struct nl_elf *elf, uint64_t start, uint64_t end, nl_string *string)
{
    nl_string first = elf->text_used;
    const unsigned char *nul = NULL;
    while (nul == NULL) {
        const unsigned char *at;
        size_t held;
        if (start >= end) {
            return nl_fail(&elf->file.fault, NL_MALFORMED, "a string has no end");
        }
        enum nl_status status = nl_file_peek(&elf->file, start, &at, &held, "a string ends");
        if (status != NL_OK) {
            return status;
        }
        held = held < end - start ? held : (size_t)(end - start);
        nul = memchr(at, 0, held);
        size_t length = nul != NULL ? (size_t)(nul - at) + 1 : held;
        status = nl_elf_reserve(elf, length);
        if (status != NL_OK) {
            return status;
        }
        memcpy(elf->text + elf->text_used, at, length);
        elf->text_used += (uint32_t)length;
        start += length;
    }
    *string = first;
    return NL_OK;
}

enum nl_status
nl_elf_string(struct nl_elf *elf, uint64_t at, nl_string *string)
{
    if (at >= elf->strings.end - elf->strings.start) {
        return nl_fail(&elf->file.fault, NL_MALFORMED, "a name lies outside the string table");
    }
    return nl_elf_copy_string(elf, elf->strings.start + at, elf->strings.end, string);
}
