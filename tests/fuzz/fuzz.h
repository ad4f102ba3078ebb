/* What the fuzz targets share: each is one LLVMFuzzerTestOneInput, which libFuzzer or replay.c calls. */
#ifndef NATIVELOAD_FUZZ_H
#define NATIVELOAD_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A target is reached by this name. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A file in memory, made once, and the path by which it is opened. */
struct fuzz_file {
    int fd;
    char path[64];
};

/* Gives a file this content, from `size` bytes at `bytes`. The second call for a file replaces the first's. */
void fuzz_file_fill(struct fuzz_file *file, const uint8_t *bytes, size_t size);

/* Ends the process where something is not so, in builds that leave out assert(), too. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : __builtin_trap())

#endif
