/* A search in the bytes of an ld.so.cache, for the name that the input starts with. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "ldcache.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char name[17] = "";
    size_t length = size < 16 ? size : 16;
    struct nl_cache_hits hits;
    struct nl_fault fault;
    memcpy(name, bytes, length);
    /* as much as there is, and no byte more: what reads beyond it is seen */
    unsigned char *content = malloc(size - length + 1);
    memcpy(content, bytes + length, size - length);
    unsigned char *exact = realloc(content, size - length > 0 ? size - length : 1);
    for (int stem = 0; stem < 2; stem++) {
        if (nl_ldcache_search(exact, size - length, name, stem, &hits, &fault) == NL_OK) {
            for (uint32_t i = 0; i < hits.count; i++) {
                FUZZ_CHECK(strncmp(hits.items[i].name, name, strlen(name)) == 0);
                FUZZ_CHECK(strlen(hits.items[i].path) < NL_MOST_CACHE_NAME);
                FUZZ_CHECK(hits.items[i].hwcaps == NULL || strlen(hits.items[i].hwcaps) < NL_MOST_CACHE_NAME);
            }
        }
        free(hits.items);
    }
    free(exact);
    return 0;
}
