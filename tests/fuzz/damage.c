/* Damages real libraries, and reads each as all readers do: damage COUNT SEED FILE... prints how each ended.
 *
 * A third is cut short; the others have up to eight bytes changed, most of them among the first and last pages, where
 * the headers and the tables are.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exports.h"
#include "undefined.h"
#include "versions.h"
#include "walk.h"

#define OUTCOMES ((unsigned)NL_TOO_MANY + 1)
enum { MOST_CHANGES = 8, NEAR = 1 << 16 };

static uint64_t state;
static struct fuzz_file file;
static struct nl_elf elf;
static unsigned outcomes[OUTCOMES];

/* xorshift64: the same damage for the same seed. */
static uint64_t
number(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static enum nl_status
facts_and_exports(void)
{
    struct nl_symbols symbols;
    struct nl_exports exports = {.count = 0};
    enum nl_status status = nl_elf_open(&elf, file.path);
    if (status == NL_OK) {
        status = nl_versions_read(&elf);
    }
    if (status == NL_OK) {
        status = nl_symbols_open(&elf, &symbols);
    }
    if (status == NL_OK) {
        status = nl_exports_read(&elf, &symbols, &exports);
    }
    nl_exports_free(&exports);
    nl_elf_close(&elf);
    return status;
}

/* What the file would bring, were it whole; its own wants, with itself and the C library as the scope. */
static void
walk_and_wants(void)
{
    const char *defaults[] = {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64"};
    const char *path = file.path, *scope[] = {file.path, "/lib/x86_64-linux-gnu/libc.so.6"};
    struct nl_images images = {.root = -1, .users = 1};
    struct nl_rules rules = {.wide = true,
                             .machine = 62,
                             .defaults = {.items = defaults, .count = 3},
                             .lib = "lib",
                             .platform = "",
                             .self = ""};
    struct nl_walk walk = {.rules = &rules, .images = &images, .first = -1, .last = -1};
    struct nl_wants wants = {.count = 0};
    if (nl_walk_open(&walk, &path, 1) == NL_OK && nl_walk_versions(&walk) == NL_OK) {
        FUZZ_CHECK(walk.node_count > 0);
        nl_undefined(&images, path, scope, 2, false, &wants);
    }
    free(wants.items);
    nl_walk_free(&walk);
    nl_images_clear(&images);
}

static void
read_all(void)
{
    enum nl_status status = facts_and_exports();
    FUZZ_CHECK(status < OUTCOMES && status != NL_OS_ERROR && status != NL_NO_MEMORY);
    outcomes[status]++;
    walk_and_wants();
}

static void
damage(const uint8_t *bytes, size_t size)
{
    uint64_t places[MOST_CHANGES], count = 1 + number(MOST_CHANGES);
    if (number(3) == 0) {
        uint64_t kept = number(number(2) == 0 && size > NEAR ? NEAR : size);
        FUZZ_CHECK(ftruncate(file.fd, (off_t)kept) == 0);
        read_all();
        FUZZ_CHECK(pwrite(file.fd, bytes + kept, size - kept, (off_t)kept) == (ssize_t)(size - kept));
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t near = size < NEAR ? size : NEAR, where = number(8);
        places[i] = where < 5 ? number(near) : where < 7 ? size - 1 - number(near) : number(size);
        unsigned byte = number(2) == 0 ? (unsigned)number(256) : bytes[places[i]] ^ 1u << number(8);
        uint8_t changed = (uint8_t)(byte & 0xff);
        FUZZ_CHECK(pwrite(file.fd, &changed, 1, (off_t)places[i]) == 1);
    }
    read_all();
    for (uint64_t i = 0; i < count; i++) {
        FUZZ_CHECK(pwrite(file.fd, bytes + places[i], 1, (off_t)places[i]) == 1);
    }
}

int
main(int argc, char **argv)
{
    static const char *const names[OUTCOMES] = {"an answer", "", "", "not ELF", "", "truncated", "", "malformed",
                                                "outside",   "too many"};
    FUZZ_CHECK(argc > 3);
    unsigned long count = strtoul(argv[1], NULL, 10);
    state = strtoull(argv[2], NULL, 10) | 1;
    for (int i = 3; i < argc; i++) {
        FILE *whole = fopen(argv[i], "rb");
        FUZZ_CHECK(whole != NULL && fseek(whole, 0, SEEK_END) == 0);
        size_t size = (size_t)ftell(whole);
        uint8_t *bytes = malloc(size);
        rewind(whole);
        FUZZ_CHECK(fread(bytes, 1, size, whole) == size);
        fclose(whole);
        fuzz_file_fill(&file, bytes, size);
        FUZZ_CHECK(facts_and_exports() == NL_OK);
        for (unsigned long j = 0; j < count / (unsigned long)(argc - 3); j++) {
            damage(bytes, size);
        }
        FUZZ_CHECK(facts_and_exports() == NL_OK); /* it is whole again: the damage was done to it and undone */
        free(bytes);
    }
    for (unsigned i = 0; i < OUTCOMES; i++) {
        if (outcomes[i] > 0) {
            printf("%s %u\n", names[i], outcomes[i]);
        }
    }
    return 0;
}
