/* How many symbols a file's relocations reach: those that the linker will look for. */
#ifndef NATIVELOAD_RELOCS_H
#define NATIVELOAD_RELOCS_H

#include "elf.h"

/* Raises *count to one more than the last symbol that DT_RELA, DT_REL or DT_JMPREL names. */
enum nl_status nl_relocs_count(struct nl_elf *elf, uint32_t *count);

#endif
