/* Gives a target every file below the directories that are named, or the files themselves, and counts them. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static unsigned count;

static int
replay(const char *path, const struct stat *state, int kind, struct FTW *place)
{
    (void)place;
    if (kind != FTW_F) {
        return 0;
    }
    size_t size = (size_t)state->st_size;
    uint8_t *bytes = malloc(size > 0 ? size : 1); /* a block of its own, for the sanitizer to guard */
    FILE *file = fopen(path, "rb");
    if (bytes == NULL || file == NULL || fread(bytes, 1, size, file) != size) {
        perror(path);
        return 1;
    }
    fclose(file);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    count++;
    return 0;
}

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (nftw(argv[i], replay, 8, FTW_PHYS) != 0) {
            return 1;
        }
    }
    printf("%u\n", count);
    return count > 0 ? 0 : 1;
}
