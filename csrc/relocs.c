#include "relocs.h"

enum { DT_RELA = 7 };

static enum nl_status
count_table(struct nl_elf *elf, enum nl_tag table, enum nl_tag bytes, bool addends, uint32_t *count)
{
    static const char WHAT[] = "the relocations";
    struct nl_span span;
    uint64_t word = elf->wide ? 8 : 4, size = word * (addends ? 3 : 2);
    if (!elf->has[table] || !elf->has[bytes]) {
        return NL_OK;
    }
    enum nl_status status = nl_elf_span(elf, table, WHAT, &span);
    uint64_t length = elf->dynamic[bytes];
    if (status == NL_OK && length > NL_MOST_RELOCS) {
        return nl_too_many(&elf->file.fault, "bytes of relocations", NL_MOST_RELOCS);
    }
    for (uint64_t at = 0; status == NL_OK && at + size <= length; at += size) {
        unsigned char p[8];
        status = nl_elf_read(elf, &span, at + word, p, (size_t)word, WHAT);
        if (status == NL_OK) {
            uint64_t info = nl_elf_word(elf, p), symbol = elf->wide ? info >> 32 : info >> 8;
            *count = symbol >= *count && symbol < UINT32_MAX ? (uint32_t)symbol + 1 : *count;
        }
    }
    return status;
}

enum nl_status
nl_relocs_count(struct nl_elf *elf, uint32_t *count)
{
    enum nl_status status = count_table(elf, NL_RELA, NL_RELASZ, true, count);
    if (status == NL_OK) {
        status = count_table(elf, NL_REL, NL_RELSZ, false, count);
    }
    bool addends = elf->has[NL_PLTREL] && elf->dynamic[NL_PLTREL] == DT_RELA;
    return status == NL_OK ? count_table(elf, NL_JMPREL, NL_PLTRELSZ, addends, count) : status;
}
