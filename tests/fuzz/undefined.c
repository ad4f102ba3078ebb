/* What one file wants of another: two bytes say where the second starts. Where they say nothing, it is the same. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "undefined.h"

static struct fuzz_file files[2];

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct nl_images images = {.root = -1, .users = 1, .symbols = size % 2};
    struct nl_wants wants;
    size_t first = size >= 2 ? (size_t)bytes[0] << 8 | bytes[1] : 0;
    bytes += size >= 2 ? 2 : 0;
    size -= size >= 2 ? 2 : 0;
    first = first < size ? first : size;
    fuzz_file_fill(&files[0], bytes, first);
    fuzz_file_fill(&files[1], bytes + first, size - first);
    const char *both[] = {files[0].path, files[1].path};
    for (int i = 0; i < 4; i++) { /* each of the two, in a scope of one or both */
        if (nl_undefined(&images, both[i % 2], both + i % 2, i < 2 ? 1 : 2u - (unsigned)i % 2, size % 3 == 0, &wants) == NL_OK) {
            for (uint32_t j = 0; j < wants.count; j++) {
                FUZZ_CHECK(strlen(wants.items[j].name) > 0);
            }
        }
        free(wants.items);
    }
    nl_images_clear(&images);
    return 0;
}
