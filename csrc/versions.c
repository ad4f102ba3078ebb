#include "versions.h"

enum { VER_FLG_BASE = 1, VER_FLG_WEAK = 2 };

/* One entry of a version table, and where the next one is. */
struct version_walk {
    const struct nl_span *span;
    uint32_t left; /* entries that the table may still have */
};

/* Reads an entry; NL_TOO_MANY where the table has had its share. */
static enum nl_status
read_version(struct nl_elf *elf, struct version_walk *walk, uint64_t at, unsigned char *entry, size_t size)
{
    if (walk->left == 0) {
        return nl_too_many(&elf->file.fault, "symbol versions", NL_MOST_VERSIONS);
    }
    walk->left--;
    return nl_elf_read(elf, walk->span, at, entry, size, "a symbol version");
}

/* By what the symbols of the file say which version is theirs. */
static enum nl_status
add_index(struct nl_elf *elf, uint16_t index, uint32_t hash, uint32_t name)
{
    enum nl_status status = nl_list_add(&elf->indices, index);
    if (status == NL_OK) {
        status = nl_list_add(&elf->indices, hash);
    }
    return status == NL_OK ? nl_list_add(&elf->indices, name) : status;
}

/* The versions that one Verneed wants: appends their count, then name and weakness of each. */
static enum nl_status
read_vernaux(struct nl_elf *elf, struct version_walk *walk, uint64_t at, uint32_t count)
{
    uint32_t counted = elf->verneed.count, next = 1;
    enum nl_status status = nl_list_add(&elf->verneed, 0);
    for (uint32_t i = 0; status == NL_OK && i < count && next != 0; i++, at += next) {
        unsigned char p[16];
        nl_string name = 0;
        status = read_version(elf, walk, at, p, sizeof p);
        if (status == NL_OK) {
            status = nl_elf_string(elf, nl_u32(p + 8, elf->big), &name);
        }
        if (status == NL_OK) {
            status = nl_list_add(&elf->verneed, name);
        }
        if (status == NL_OK) {
            status = nl_list_add(&elf->verneed, nl_u16(p + 4, elf->big) & VER_FLG_WEAK ? 1 : 0);
        }
        if (status == NL_OK) {
            status = add_index(elf, nl_u16(p + 6, elf->big), nl_u32(p, elf->big), nl_u32(p + 8, elf->big));
        }
        if (status == NL_OK) {
            elf->verneed.items[counted]++;
            next = nl_u32(p + 12, elf->big); /* 0 ends the chain, as it does for glibc */
        }
    }
    return status;
}

static enum nl_status
read_verneed(struct nl_elf *elf)
{
    struct nl_span span;
    struct version_walk walk = {.span = &span, .left = NL_MOST_VERSIONS};
    enum nl_status status = nl_elf_span(elf, NL_VERNEED, "the table of versions needed", &span);
    uint64_t count = elf->has[NL_VERNEEDNUM] ? elf->dynamic[NL_VERNEEDNUM] : NL_MOST_VERSIONS;
    uint64_t at = 0;
    uint32_t next = 1;
    for (uint64_t i = 0; status == NL_OK && i < count && next != 0; i++, at += next) {
        unsigned char p[16];
        nl_string file = 0;
        status = read_version(elf, &walk, at, p, sizeof p);
        if (status == NL_OK) {
            status = nl_elf_string(elf, nl_u32(p + 4, elf->big), &file);
        }
        if (status == NL_OK) {
            status = nl_list_add(&elf->verneed, file);
        }
        if (status == NL_OK) {
            status = read_vernaux(elf, &walk, at + nl_u32(p + 8, elf->big), nl_u16(p + 2, elf->big));
            next = nl_u32(p + 12, elf->big);
        }
    }
    return status;
}

/* Adds the name of the Verdef in `entry`, which stands at `at`. */
static enum nl_status
take_verdef(struct nl_elf *elf, struct version_walk *walk, uint64_t at, const unsigned char *entry)
{
    unsigned char p[8];
    nl_string name = 0;
    if (nl_u16(entry + 2, elf->big) & VER_FLG_BASE) {
        return NL_OK;
    }
    /* the first of its names is its own; the others are the versions that it inherits from */
    enum nl_status status = read_version(elf, walk, at + nl_u32(entry + 12, elf->big), p, sizeof p);
    if (status == NL_OK) {
        status = nl_elf_string(elf, nl_u32(p, elf->big), &name);
    }
    if (status == NL_OK) {
        uint16_t index = nl_u16(entry + 4, elf->big) & 0x7fff;
        status = add_index(elf, index, nl_u32(entry + 8, elf->big), nl_u32(p, elf->big));
    }
    return status == NL_OK ? nl_list_add(&elf->verdef, name) : status;
}

static enum nl_status
read_verdef(struct nl_elf *elf)
{
    struct nl_span span;
    struct version_walk walk = {.span = &span, .left = NL_MOST_VERSIONS};
    enum nl_status status = nl_elf_span(elf, NL_VERDEF, "the table of versions defined", &span);
    uint64_t count = elf->has[NL_VERDEFNUM] ? elf->dynamic[NL_VERDEFNUM] : NL_MOST_VERSIONS;
    uint64_t at = 0;
    uint32_t next = 1;
    for (uint64_t i = 0; status == NL_OK && i < count && next != 0; i++, at += next) {
        unsigned char p[20];
        status = read_version(elf, &walk, at, p, sizeof p);
        if (status == NL_OK) {
            status = take_verdef(elf, &walk, at, p);
            next = nl_u32(p + 16, elf->big);
        }
    }
    return status;
}

enum nl_status
nl_versions_read(struct nl_elf *elf)
{
    enum nl_status status = NL_OK;
    if (elf->has[NL_VERNEED]) {
        status = read_verneed(elf);
    }
    if (status == NL_OK && elf->has[NL_VERDEF]) {
        status = read_verdef(elf);
    }
    return status;
}
