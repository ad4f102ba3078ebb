#include "elf.h"

#include <stdlib.h>
#include <string.h>

enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_NOTE = 4, PT_GNU_PROPERTY = 0x6474e553 };
enum { DT_NULL = 0, DT_NEEDED = 1, DT_AUXILIARY = 0x7ffffffd, DT_FILTER = 0x7fffffff };

static const uint64_t tag_values[NL_TAGS] = {
    [NL_STRTAB] = 5,
    [NL_STRSZ] = 10,
    [NL_SYMTAB] = 6,
    [NL_HASH] = 4,
    [NL_GNU_HASH] = 0x6ffffef5,
    [NL_SONAME] = 14,
    [NL_RPATH] = 15,
    [NL_RUNPATH] = 29,
    [NL_FLAGS_1] = 0x6ffffffb,
    [NL_VERDEF] = 0x6ffffffc,
    [NL_VERDEFNUM] = 0x6ffffffd,
    [NL_VERNEED] = 0x6ffffffe,
    [NL_VERNEEDNUM] = 0x6fffffff,
    [NL_VERSYM] = 0x6ffffff0,
    [NL_RELA] = 7,
    [NL_RELASZ] = 8,
    [NL_REL] = 17,
    [NL_RELSZ] = 18,
    [NL_JMPREL] = 23,
    [NL_PLTRELSZ] = 2,
    [NL_PLTREL] = 20,
};

enum nl_status
nl_elf_span(struct nl_elf *elf, enum nl_tag tag, const char *what, struct nl_span *span)
{
    uint64_t address = elf->dynamic[tag];
    for (uint32_t i = 0; i < elf->load_count; i++) {
        const struct nl_load *load = &elf->loads[i];
        if (address >= load->vaddr && address - load->vaddr < load->filesz) {
            span->start = load->offset + (address - load->vaddr);
            span->end = load->offset + load->filesz;
            return NL_OK;
        }
    }
    return nl_fail(&elf->file.fault, NL_OUTSIDE, what);
}

enum nl_status
nl_elf_read(struct nl_elf *elf, const struct nl_span *span, uint64_t at, void *to, size_t length, const char *what)
{
    uint64_t size = span->end - span->start;
    if (at > size || length > size - at) {
        return nl_fail(&elf->file.fault, NL_OUTSIDE, what);
    }
    return nl_file_read(&elf->file, span->start + at, to, length, what);
}

/* What a file without the ELF magic is, as far as its first bytes tell. */
static const char *
looks_like(const unsigned char *bytes, size_t count)
{
    static const struct {
        const char *magic;
        const char *what;
    } known[] = {
        {"MZ", "a Windows (PE) file"},
        {"\xcf\xfa\xed\xfe", "a Mach-O file"},
        {"\xce\xfa\xed\xfe", "a Mach-O file"},
        {"\xca\xfe\xba\xbe", "a Mach-O file"},
        {"!<arch>\n", "an archive"},
        {"!<thin>\n", "an archive"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].magic);
        if (count >= length && memcmp(bytes, known[i].magic, length) == 0) {
            return known[i].what;
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool space = bytes[i] >= '\t' && bytes[i] <= '\r';
        if ((bytes[i] < ' ' && !space) || bytes[i] == 0x7f) {
            return "binary data";
        }
    }
    return "a text file";
}

static enum nl_status
check_magic(struct nl_elf *elf)
{
    static const char magic[4] = {0x7f, 'E', 'L', 'F'};
    const unsigned char *at;
    size_t held;
    uint64_t size = elf->file.signature.size;
    if (size == 0) {
        return nl_fail(&elf->file.fault, NL_NOT_ELF, "empty");
    }
    enum nl_status status = nl_file_peek(&elf->file, 0, &at, &held, "the ELF header ends");
    if (status != NL_OK) {
        return status;
    }
    if (memcmp(at, magic, held < sizeof magic ? held : sizeof magic) != 0) {
        return nl_fail(&elf->file.fault, NL_NOT_ELF, looks_like(at, held < 512 ? held : 512));
    }
    return nl_file_check(&elf->file, 0, 16, "the ELF header ends");
}

/* What glibc's linker asks of a header, besides what is a fact of its own (open_verify in elf/dl-load.c). */
static const char *
header_flaw(const unsigned char h[24], bool big)
{
    static const unsigned char padding[7] = {0};
    if (h[6] != 1 || nl_u32(h + 20, big) != 1) {
        return "its ELF version is not 1";
    }
    if (memcmp(h + 9, padding, sizeof padding) != 0 || (h[7] == 0 && h[8] != 0)) {
        return "its ELF header has an ABI version or padding that is unknown";
    }
    return NULL;
}

/* Reads the ELF header; gives where the program headers are. */
static enum nl_status
read_header(struct nl_elf *elf, uint64_t *phoff, uint32_t *phnum)
{
    unsigned char h[64];
    struct nl_fault *fault = &elf->file.fault;
    enum nl_status status = check_magic(elf);
    if (status == NL_OK) {
        status = nl_file_read(&elf->file, 0, h, 16, "the ELF header ends");
    }
    if (status != NL_OK) {
        return status;
    }
    if ((h[4] != 1 && h[4] != 2) || (h[5] != 1 && h[5] != 2)) {
        return nl_fail(fault, NL_MALFORMED, "an ELF class or byte order that does not exist");
    }
    elf->wide = h[4] == 2;
    elf->big = h[5] == 2;
    elf->osabi = h[7];
    status = nl_file_read(&elf->file, 0, h, elf->wide ? 64 : 52, "the ELF header ends");
    if (status != NL_OK) {
        return status;
    }
    const unsigned char *tail = h + (elf->wide ? 48 : 36); /* e_flags and what follows */
    elf->type = nl_u16(h + 16, elf->big);
    elf->machine = nl_u16(h + 18, elf->big);
    elf->flags = nl_u32(tail, elf->big);
    elf->flaw = header_flaw(h, elf->big);
    *phoff = nl_elf_word(elf, h + (elf->wide ? 32 : 28));
    *phnum = nl_u16(tail + 8, elf->big);
    if (*phnum > 0 && nl_u16(tail + 6, elf->big) != (elf->wide ? 56 : 32)) {
        return nl_fail(fault, NL_MALFORMED, "program headers of a size that does not exist");
    }
    uint32_t size = *phnum * (elf->wide ? 56u : 32u);
    status = nl_file_check(&elf->file, *phoff, size, "the program headers end");
    if (status == NL_OK && size > NL_MOST_PHDRS) {
        status = nl_too_many(fault, "bytes of program headers", NL_MOST_PHDRS);
    }
    return status;
}

/* What is read of a segment, for nl_truncated; NULL for the kinds that are not read. */
static const char *
segment_end(uint32_t type)
{
    switch (type) {
    case PT_LOAD:
        return "a loadable segment ends";
    case PT_DYNAMIC:
        return "the dynamic section ends";
    case PT_INTERP:
        return "the interpreter's name ends";
    case PT_NOTE:
    case PT_GNU_PROPERTY:
        return "the notes end";
    default:
        return NULL;
    }
}

static enum nl_status
read_segment(struct nl_elf *elf, uint64_t at, struct nl_segment *segment)
{
    unsigned char p[56];
    enum nl_status status = nl_file_read(&elf->file, at, p, elf->wide ? 56 : 32, "the program headers end");
    if (status != NL_OK) {
        return status;
    }
    size_t word = elf->wide ? 8 : 4;
    const unsigned char *offset = p + word; /* in a 64-bit header p_flags comes before it */
    segment->type = nl_u32(p, elf->big);
    segment->offset = nl_elf_word(elf, offset);
    segment->vaddr = nl_elf_word(elf, offset + word);
    segment->filesz = nl_elf_word(elf, offset + 3 * word);
    segment->align = nl_elf_word(elf, p + (elf->wide ? 48 : 28));
    const char *end = segment_end(segment->type);
    return end == NULL ? NL_OK : nl_file_check(&elf->file, segment->offset, segment->filesz, end);
}

/* Adds a DT_NEEDED, DT_AUXILIARY or DT_FILTER. */
static enum nl_status
take_dependency(struct nl_elf *elf, uint64_t tag, uint64_t value)
{
    if (value > UINT32_MAX) {
        return nl_fail(&elf->file.fault, NL_MALFORMED, "a name lies outside the string table");
    }
    if (tag == DT_NEEDED) {
        return nl_list_add(&elf->needed, (uint32_t)value);
    }
    uint32_t fields[] = {tag == DT_FILTER ? 2 : 1, elf->needed.count, (uint32_t)value};
    enum nl_status status = NL_OK;
    for (size_t i = 0; status == NL_OK && i < sizeof fields / sizeof *fields; i++) {
        status = nl_list_add(&elf->filters, fields[i]);
    }
    return status;
}

static enum nl_status
take_dynamic(struct nl_elf *elf, uint64_t tag, uint64_t value)
{
    if (tag == DT_NEEDED || tag == DT_AUXILIARY || tag == DT_FILTER) {
        return take_dependency(elf, tag, value);
    }
    for (int i = 0; i < NL_TAGS; i++) {
        if (tag == tag_values[i]) {
            elf->dynamic[i] = value;
            elf->has[i] = true;
            break;
        }
    }
    return NL_OK;
}

/* Fills `dynamic`, and `needed` with offsets into the string table. */
static enum nl_status
read_dynamic(struct nl_elf *elf, const struct nl_segment *segment)
{
    unsigned char p[16];
    uint32_t size = elf->wide ? 16 : 8;
    for (uint64_t i = 0; i < segment->filesz / size; i++) {
        if (i == NL_MOST_DYNAMIC) {
            return nl_too_many(&elf->file.fault, "dynamic entries", NL_MOST_DYNAMIC);
        }
        enum nl_status status = nl_file_read(&elf->file, segment->offset + i * size, p, size, "the dynamic section ends");
        if (status != NL_OK) {
            return status;
        }
        uint64_t tag = nl_elf_word(elf, p);
        if (tag == DT_NULL) {
            break;
        }
        status = take_dynamic(elf, tag, nl_elf_word(elf, p + size / 2));
        if (status != NL_OK) {
            return status;
        }
    }
    return NL_OK;
}

/* Replaces offsets into the string table by the strings. */
static enum nl_status
read_names(struct nl_elf *elf)
{
    struct {
        enum nl_tag tag;
        nl_string *string;
    } names[] = {{NL_SONAME, &elf->soname}, {NL_RPATH, &elf->rpath}, {NL_RUNPATH, &elf->runpath}};
    enum nl_status status = NL_OK;
    if (elf->has[NL_STRTAB]) {
        status = nl_elf_span(elf, NL_STRTAB, "the string table", &elf->strings);
    }
    if (status == NL_OK && elf->has[NL_STRSZ] && elf->dynamic[NL_STRSZ] < elf->strings.end - elf->strings.start) {
        elf->strings.end = elf->strings.start + elf->dynamic[NL_STRSZ];
    }
    uint64_t strings = elf->strings.end - elf->strings.start;
    elf->text_most = strings < (NL_MOST_TEXT - NL_FREE_TEXT) / 4 ? NL_FREE_TEXT + 4 * (uint32_t)strings : NL_MOST_TEXT;
    for (uint32_t i = 0; status == NL_OK && i < elf->needed.count; i++) {
        status = nl_elf_string(elf, elf->needed.items[i], &elf->needed.items[i]);
    }
    for (uint32_t i = 2; status == NL_OK && i < elf->filters.count; i += 3) {
        status = nl_elf_string(elf, elf->filters.items[i], &elf->filters.items[i]);
    }
    for (size_t i = 0; status == NL_OK && i < sizeof names / sizeof *names; i++) {
        if (elf->has[names[i].tag]) {
            status = nl_elf_string(elf, elf->dynamic[names[i].tag], names[i].string);
        }
    }
    return status;
}

static enum nl_status
read_interp(struct nl_elf *elf, const struct nl_segment *segment)
{
    uint64_t length = segment->filesz < NL_MOST_INTERP ? segment->filesz : NL_MOST_INTERP;
    if (elf->interp != 0) { /* the kernel, too, takes the first */
        return NL_OK;
    }
    return nl_elf_copy_string(elf, segment->offset, segment->offset + length, &elf->interp);
}

static enum nl_status
take_segment(struct nl_elf *elf, const struct nl_segment *segment, struct nl_segment *dynamic)
{
    switch (segment->type) {
    case PT_LOAD:
        if (elf->load_count == NL_MOST_LOADS) {
            return nl_too_many(&elf->file.fault, "loadable segments", NL_MOST_LOADS);
        }
        elf->loads[elf->load_count++] =
            (struct nl_load){.vaddr = segment->vaddr, .offset = segment->offset, .filesz = segment->filesz};
        return NL_OK;
    case PT_DYNAMIC:
        *dynamic = *segment;
        return NL_OK;
    case PT_INTERP:
        return read_interp(elf, segment);
    case PT_NOTE:
    case PT_GNU_PROPERTY:
        return nl_notes_read(elf, segment);
    default:
        return NL_OK;
    }
}

enum nl_status
nl_elf_open(struct nl_elf *elf, const char *path)
{
    return nl_elf_open_in(elf, -1, path);
}

enum nl_status
nl_elf_open_in(struct nl_elf *elf, int root, const char *path)
{
    uint64_t phoff = 0;
    uint32_t phnum = 0;
    struct nl_segment segment, dynamic = {.filesz = 0};
    memset((char *)elf + sizeof elf->file, 0, sizeof *elf - sizeof elf->file);
    enum nl_status status = nl_file_open_in(&elf->file, root, path);
    elf->text_most = NL_MOST_TEXT;
    if (status == NL_OK) {
        status = nl_elf_reserve(elf, 1);
    }
    if (status == NL_OK) {
        elf->text[elf->text_used++] = '\0'; /* so that no string is at 0 */
        status = read_header(elf, &phoff, &phnum);
    }
    for (uint32_t i = 0; status == NL_OK && i < phnum; i++) {
        status = read_segment(elf, phoff + i * (elf->wide ? 56u : 32u), &segment);
        if (status == NL_OK) {
            status = take_segment(elf, &segment, &dynamic);
        }
    }
    if (status == NL_OK) {
        status = read_dynamic(elf, &dynamic);
    }
    return status == NL_OK ? read_names(elf) : status;
}

void
nl_elf_close(struct nl_elf *elf)
{
    nl_file_close(&elf->file);
    free(elf->needed.items);
    free(elf->filters.items);
    free(elf->verneed.items);
    free(elf->verdef.items);
    free(elf->indices.items);
    free(elf->text);
}
