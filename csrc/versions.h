/* The symbol versions that an ELF file needs and defines (DT_VERNEED, DT_VERDEF). */
#ifndef NATIVELOAD_VERSIONS_H
#define NATIVELOAD_VERSIONS_H

#include "elf.h"

/* Fills elf->verneed and elf->verdef. */
enum nl_status nl_versions_read(struct nl_elf *elf);

#endif
