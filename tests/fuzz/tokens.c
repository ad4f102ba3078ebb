/* Dynamic string tokens: the input is flags, an origin and a text, which is a name, a DT_RPATH and a DT_RUNPATH. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "walk.h"

static void
expand(const struct nl_rules *rules, const char *origin, char *text, size_t length, bool runpath)
{
    struct nl_images images = {.root = -1};
    struct nl_facts facts = {.text = text, .rpath = runpath ? 0 : 1, .runpath = runpath ? 1 : 0};
    struct nl_node *node = calloc(1, sizeof *node);
    struct nl_walk walk = {.rules = rules, .images = &images, .nodes = node, .node_count = 1};
    const char *result = NULL;
    node->facts = &facts;
    node->program = rules->secure;
    node->origin = origin;
    node->origin_length = (uint32_t)strlen(origin);
    if (nl_expand(&walk, node, text + 1, length, &result) == NL_OK && result != NULL) {
        FUZZ_CHECK(strlen(result) <= NL_MOST_TEXT);
    }
    if (nl_expand_paths(&walk, node) == NL_OK) {
        for (uint32_t i = 0; i < node->rpath.count; i++) {
            FUZZ_CHECK(strlen(node->rpath.items[i]) <= NL_MOST_TEXT);
        }
    }
    nl_walk_free(&walk);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2 || memchr(bytes + 1, 0, size - 1) == NULL) {
        return 0;
    }
    const char *defaults[] = {"/lib", "/usr/lib"};
    struct nl_rules rules = {
        .musl = bytes[0] & 1,
        .secure = bytes[0] & 2,
        .release = bytes[0] & 16 ? 43 : 36,
        .lib = bytes[0] & 4 ? "lib/x86_64-linux-gnu" : "",
        .platform = bytes[0] & 8 ? "haswell" : "",
        .self = "/lib/ld.so",
        .defaults = {.items = defaults, .count = 2},
    };
    const char *origin = (const char *)bytes + 1;
    size_t head = strlen(origin) + 2, length = size - head;
    char *text = malloc(length + 2);
    text[0] = '\0';
    memcpy(text + 1, bytes + head, length);
    text[length + 1] = '\0';
    length = strlen(text + 1);
    expand(&rules, origin, text, length, false);
    expand(&rules, origin, text, length, true);
    free(text);
    return 0;
}
