/* The facts of one file, its versions, and what it exports: by name, and all. */
#include "fuzz.h"

#include <string.h>

#include "exports.h"
#include "versions.h"

static struct fuzz_file file;
static struct nl_elf elf;

static void
look_at_symbols(void)
{
    struct nl_symbols symbols;
    struct nl_exports exports = {.count = 0};
    const char *wanted[] = {"f", "malloc", "no_such_symbol"};
    bool found;
    if (nl_symbols_open(&elf, &symbols) != NL_OK) {
        return;
    }
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        nl_symbols_find(&elf, &symbols, wanted[i], strlen(wanted[i]), &found);
    }
    if (nl_exports_read(&elf, &symbols, &exports) == NL_OK) {
        for (size_t i = 1; i < exports.count; i++) {
            FUZZ_CHECK(strcmp(exports.names[i - 1], exports.names[i]) < 0);
        }
        if (exports.count > 0) { /* what is listed must be found, or refused */
            const char *name = exports.names[exports.count / 2];
            nl_symbols_find(&elf, &symbols, name, strlen(name), &found);
        }
    }
    nl_exports_free(&exports);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char text[256];
    fuzz_file_fill(&file, bytes, size);
    enum nl_status status = nl_elf_open(&elf, file.path);
    if (status == NL_OK) {
        status = nl_versions_read(&elf);
    }
    FUZZ_CHECK(status != NL_OS_ERROR && elf.text_used <= elf.text_room);
    if (status == NL_OK) {
        for (uint32_t i = 0; i < elf.needed.count; i++) {
            FUZZ_CHECK(elf.needed.items[i] + strlen(elf.text + elf.needed.items[i]) < elf.text_used);
        }
        look_at_symbols();
    } else {
        nl_status_text(status, &elf.file.fault, text, sizeof text);
    }
    nl_elf_close(&elf);
    return 0;
}
