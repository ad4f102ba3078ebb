/* Prints what the core reads in each of the files given: the same lines on every system and machine. */
#include <stdio.h>
#include <string.h>

#include "exports.h"
#include "process.h"
#include "scan.h"
#include "versions.h"

static struct nl_elf elf;

static void
print_strings(const char *what, const struct nl_list *list)
{
    printf("  %s", what);
    for (uint32_t i = 0; i < list->count; i++) {
        printf(" %s", elf.text + list->items[i]);
    }
    puts("");
}

static void
print_symbols(void)
{
    struct nl_symbols symbols;
    struct nl_exports exports = {.count = 0};
    enum nl_status status = nl_symbols_open(&elf, &symbols);
    if (status == NL_OK) {
        status = nl_exports_read(&elf, &symbols, &exports);
    }
    uint64_t digest = 0;
    for (size_t i = 0; i < exports.count; i++) {
        digest = digest * 31 + nl_digest((const unsigned char *)exports.names[i], strlen(exports.names[i]));
    }
    printf("  exports %d %zu %016" PRIx64 "\n", (int)status, exports.count, digest);
    nl_exports_free(&exports);
}

static void
print_facts(const char *path)
{
    char text[256];
    enum nl_status status = nl_elf_open(&elf, path);
    if (status == NL_OK) {
        status = nl_versions_read(&elf);
    }
    if (status == NL_OK) {
        printf("  %d %d %u %u %u %u\n", elf.wide, elf.big, elf.type, elf.machine, elf.flags, elf.isa_needed);
        printf("  soname %s rpath %s runpath %s interp %s\n", elf.text + elf.soname, elf.text + elf.rpath,
               elf.text + elf.runpath, elf.text + elf.interp);
        print_strings("needed", &elf.needed);
        print_strings("verdef", &elf.verdef);
        printf("  verneed %u indices %u digest %016" PRIx64 "\n", elf.verneed.count, elf.indices.count,
               nl_digest(elf.build_id, elf.build_id_size));
        print_symbols();
    } else if (status == NL_OS_ERROR) {
        puts("  cannot be read");
    } else {
        nl_status_text(status, &elf.file.fault, text, sizeof text);
        printf("  %s\n", text);
    }
    nl_elf_close(&elf);
}

/* Whether this process's own images, loading and directories are seen: each line is the same wherever it works. */
static void
print_process(const char *directory)
{
    struct nl_linkmap map;
    struct nl_scan scan;
    struct nl_fault fault = {.os_errno = 0};
    const char *version, *error = NULL;
    printf("images %d\n", nl_linkmap_read(&map) == NL_OK && map.count > 0 && map.items[0].path[0] == '\0');
    nl_linkmap_free(&map);
    printf("libc %d\n", nl_libc(&version)[0] != '\0');
    void *handle = nl_dlopen("/nowhere/libnothing.so", 0, &error);
    printf("refused %d\n", handle == NULL && error != NULL && error[0] != '\0');
    struct nl_texts groups = {.items = (const char *[]){"nativeload."}, .count = 1};
    enum nl_status status = nl_scan_read(&scan, directory, &groups, &fault);
    for (size_t i = 0; status == NL_OK && i < scan.count; i++) {
        printf("distribution %s %zu\n", scan.items[i].name, scan.items[i].length);
    }
    nl_scan_free(&scan);
}

int
main(int count, char **arguments)
{
    for (int i = 2; i < count; i++) {
        const char *slash = strrchr(arguments[i], '/');
        printf("%s\n", slash == NULL ? arguments[i] : slash + 1);
        print_facts(arguments[i]);
    }
    if (count > 1) {
        print_process(arguments[1]);
    }
    return 0;
}
