#include "elf.h"

#include <string.h>

enum { EM_386 = 3, EM_X86_64 = 62 };
enum { NT_GNU_BUILD_ID = 3, NT_GNU_PROPERTY_TYPE_0 = 5 };
static const uint32_t GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc0008002;

static void
take_isa(struct nl_elf *elf, uint32_t bits)
{
    /* also bits that stand for no level yet: no linker has them, and each refuses what it has not */
    for (uint32_t level = 1; level <= 32; level++) {
        if ((bits >> (level - 1) & 1) && level > elf->isa_needed) {
            elf->isa_needed = level;
        }
    }
}

/* NT_GNU_PROPERTY_TYPE_0: properties of {type, size, data padded to a word}. A property that runs over the
 * note's end finishes the walk, as it does in glibc. */
static enum nl_status
read_properties(struct nl_elf *elf, uint64_t at, uint64_t end)
{
    uint64_t word = elf->wide ? 8 : 4;
    while (end - at >= 8) {
        unsigned char p[12];
        size_t count = end - at >= 12 ? 12 : 8;
        enum nl_status status = nl_file_read(&elf->file, at, p, count, "the notes end");
        if (status != NL_OK) {
            return status;
        }
        uint32_t size = nl_u32(p + 4, elf->big);
        if (size > end - at - 8) {
            break;
        }
        if (size == 4 && nl_u32(p, elf->big) == GNU_PROPERTY_X86_ISA_1_NEEDED) {
            take_isa(elf, nl_u32(p + 8, elf->big));
        }
        uint64_t step = 8 + (size + word - 1) / word * word;
        at = step < end - at ? at + step : end;
    }
    return NL_OK;
}

static enum nl_status
take_note(struct nl_elf *elf, uint32_t type, uint64_t at, uint32_t size)
{
    bool x86 = elf->machine == EM_X86_64 || elf->machine == EM_386;
    if (type == NT_GNU_PROPERTY_TYPE_0 && x86) {
        return read_properties(elf, at, at + size);
    }
    if (type == NT_GNU_BUILD_ID && elf->build_id_size == 0 && size <= NL_MOST_BUILD_ID) {
        elf->build_id_size = size;
        return nl_file_read(&elf->file, at, elf->build_id, size, "the notes end");
    }
    return NL_OK;
}

/* Notes of {name size, descriptor size, type, name, descriptor}, the last two padded. */
enum nl_status
nl_notes_read(struct nl_elf *elf, const struct nl_segment *segment)
{
    uint64_t align = segment->align == 8 ? 8 : 4;
    uint64_t start = segment->offset, left = NL_MOST_NOTES - elf->note_bytes;
    left = segment->filesz < left ? segment->filesz : left;
    elf->note_bytes += (uint32_t)left;
    while (left >= 16) {
        unsigned char p[16];
        enum nl_status status = nl_file_read(&elf->file, start, p, 16, "the notes end");
        if (status != NL_OK) {
            return status;
        }
        uint32_t name_size = nl_u32(p, elf->big), size = nl_u32(p + 4, elf->big);
        uint64_t descriptor = (12 + (uint64_t)name_size + align - 1) / align * align;
        if (descriptor > left || size > left - descriptor) {
            break;
        }
        if (name_size == 4 && memcmp(p + 12, "GNU", 4) == 0) {
            status = take_note(elf, nl_u32(p + 8, elf->big), start + descriptor, size);
            if (status != NL_OK) {
                return status;
            }
        }
        uint64_t step = (descriptor + size + align - 1) / align * align;
        step = step < left ? step : left;
        start += step;
        left -= step;
    }
    return NL_OK;
}
