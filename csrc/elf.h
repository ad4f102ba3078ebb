/* The facts of one ELF file, from its program headers alone: a stripped section table changes nothing.
 *
 * Both classes and both byte orders. Every range that a header declares and that is read here (PT_LOAD,
 * PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_GNU_PROPERTY) must lie in the file, or the file is truncated: a library
 * with a segment missing maps all the same, and kills the process with SIGBUS when it is touched.
 *
 * Formats: https://gabi.xinuos.com, and for symbol versions, GNU notes and properties the LSB core and
 * the Linux extensions to the gABI.
 */
#ifndef NATIVELOAD_ELF_H
#define NATIVELOAD_ELF_H

#include "file.h"

/* What a real file stays far below, and what bounds the time and memory a hostile one can cost. */
#define NL_MOST_PHDRS (1u << 16)     /* bytes of program headers; the kernel, too, takes no more */
#define NL_MOST_LOADS 256u
#define NL_MOST_DYNAMIC 4096u
#define NL_MOST_NOTES (1u << 16)     /* bytes of notes that are looked at; core files have megabytes */
#define NL_MOST_VERSIONS 4096u       /* entries of one version table */
#define NL_MOST_TEXT (4u << 20)      /* bytes of all strings of one file's facts, */
#define NL_FREE_TEXT (64u << 10)     /* and beyond that many, of its string table four times over: names may overlap */
#define NL_MOST_INTERP 4096u
#define NL_MOST_BUILD_ID 256u        /* bytes */
#define NL_MOST_CHAIN 65536u         /* steps along one hash chain */
#define NL_MOST_SYMBOLS (1u << 22)
#define NL_MOST_STRTAB (256u << 20)  /* bytes */
#define NL_MOST_HASH (64u << 20)     /* bytes of a hash table */
#define NL_MOST_RELOCS (256u << 20)  /* bytes of one table */
#define NL_MOST_LOOKING (256u << 20) /* steps and bytes of names, to find what one file wants */

enum nl_tag {
    NL_STRTAB,
    NL_STRSZ,
    NL_SYMTAB,
    NL_HASH,
    NL_GNU_HASH,
    NL_SONAME,
    NL_RPATH,
    NL_RUNPATH,
    NL_FLAGS_1,
    NL_VERDEF,
    NL_VERDEFNUM,
    NL_VERNEED,
    NL_VERNEEDNUM,
    NL_VERSYM,
    NL_RELA,
    NL_RELASZ,
    NL_REL,
    NL_RELSZ,
    NL_JMPREL,
    NL_PLTRELSZ,
    NL_PLTREL,
    NL_TAGS
};

/* A range of the file. */
struct nl_span {
    uint64_t start;
    uint64_t end;
};

struct nl_load {
    uint64_t vaddr;
    uint64_t offset;
    uint64_t filesz;
};

/* A program header. */
struct nl_segment {
    uint32_t type;
    uint64_t offset;
    uint64_t vaddr;
    uint64_t filesz;
    uint64_t align;
};

/* A string of the facts: its offset in `text`, 0 for none. */
typedef uint32_t nl_string;

struct nl_list {
    uint32_t *items;
    uint32_t count;
    uint32_t room;
};

struct nl_elf {
    struct nl_file file;

    bool wide; /* ELFCLASS64 */
    bool big;  /* ELFDATA2MSB */
    uint8_t osabi;
    uint16_t type;
    uint16_t machine;
    uint32_t flags;
    const char *flaw; /* of the ELF header, for which glibc's linker gives up; NULL where there is none */

    struct nl_load loads[NL_MOST_LOADS];
    uint32_t load_count;
    uint64_t dynamic[NL_TAGS];
    bool has[NL_TAGS];
    struct nl_span strings; /* the part of DT_STRTAB that is in the file */

    nl_string interp;
    nl_string soname;
    nl_string rpath;
    nl_string runpath;
    struct nl_list needed;  /* nl_string each */
    struct nl_list filters; /* of each DT_AUXILIARY, 1, and DT_FILTER, 2: that, its place among `needed`, its name */
    struct nl_list verneed; /* file, count of versions, then per version: name, 1 where weak */
    struct nl_list verdef;  /* nl_string each */
    struct nl_list indices; /* of each version needed, then defined: index (0x8000: hidden), hash, name in DT_STRTAB */
    uint32_t isa_needed;
    uint32_t note_bytes; /* looked at so far */
    uint32_t build_id_size;
    unsigned char build_id[NL_MOST_BUILD_ID];

    char *text; /* every string of the facts, each with its NUL */
    uint32_t text_used;
    uint32_t text_room;
    uint32_t text_most;
};

/* Opens `path` and reads all but the symbol versions. Call nl_elf_close whatever the answer. */
enum nl_status nl_elf_open(struct nl_elf *elf, const char *path);

/* The same below a directory that no path leads out of (-1: "/"). */
enum nl_status nl_elf_open_in(struct nl_elf *elf, int root, const char *path);

void nl_elf_close(struct nl_elf *elf);

/* Takes the build id and the ISA level from the notes of one segment. A note that runs over its segment's end
 * finishes the walk, as it does in glibc. */
enum nl_status nl_notes_read(struct nl_elf *elf, const struct nl_segment *segment);

/* Where the address `tag` holds is in the file, up to the end of its segment; `what` names it. */
enum nl_status nl_elf_span(struct nl_elf *elf, enum nl_tag tag, const char *what, struct nl_span *span);

/* Reads inside a span. */
enum nl_status nl_elf_read(struct nl_elf *elf, const struct nl_span *span, uint64_t at, void *to, size_t length,
                           const char *what);

/* Makes room for `length` more bytes of text. */
enum nl_status nl_elf_reserve(struct nl_elf *elf, size_t length);

/* Copies the string at `start` of the file, whose NUL must come before `end`, into the facts. */
enum nl_status nl_elf_copy_string(struct nl_elf *elf, uint64_t start, uint64_t end, nl_string *string);

/* Copies the string at `at` of DT_STRTAB into the facts. */
enum nl_status nl_elf_string(struct nl_elf *elf, uint64_t at, nl_string *string);

enum nl_status nl_list_add(struct nl_list *list, uint32_t item);

/* An Elf32_Word or Elf64_Xword, as the class has it. */
static inline uint64_t
nl_elf_word(const struct nl_elf *elf, const unsigned char *p)
{
    return elf->wide ? nl_u64(p, elf->big) : nl_u32(p, elf->big);
}

#endif
