/* Dynamic string tokens, and the directories that a file's own headers name (ld.so(8), "Dynamic string tokens"). */
#include <ctype.h>
#include <string.h>

#include "walk.h"

/* The token at `text`, which follows a '$': its length with any braces, 0 where it is none. `value` is what it
 * stands for. */
static size_t
token_at(const struct nl_walk *walk, const struct nl_node *node, const char *text, size_t left, const char **value,
         size_t *value_length)
{
    const struct nl_rules *rules = walk->rules;
    const struct {
        const char *name;
        const char *value;
        size_t length;
    } tokens[] = {
        {"ORIGIN", node->origin, node->origin_length},
        {"LIB", rules->lib, strlen(rules->lib)},
        {"PLATFORM", rules->platform, strlen(rules->platform)},
    };
    size_t brace = left > 0 && text[0] == '{';
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        size_t length = strlen(tokens[i].name), end = brace + length;
        if (left < end + brace || memcmp(text + brace, tokens[i].name, length) != 0) {
            continue;
        }
        bool ends = brace ? text[end] == '}' : end == left || !(isalnum((unsigned char)text[end]) || text[end] == '_');
        if (ends) {
            *value = tokens[i].value;
            *value_length = tokens[i].length;
            return end + brace;
        }
    }
    return 0;
}

bool
nl_has_token(const struct nl_walk *walk, const struct nl_node *node, const char *text)
{
    const char *value, *end = text + strlen(text);
    size_t length;
    for (text = walk->rules->musl ? NULL : strchr(text, '$'); text != NULL; text = strchr(text + 1, '$')) {
        if (token_at(walk, node, text + 1, (size_t)(end - text) - 1, &value, &length) > 0) {
            return true;
        }
    }
    return false;
}

/* From this release of glibc on, a privileged program's directory is looked into without its dots, before which a link
 * could lead elsewhere. No release tells: it is a security fix of 2026, in Debian's 2.41-12+deb13u5 and 2.43-7. */
enum { WITHOUT_DOTS = 41 };

/* Takes "." and ".." out of a directory, and says whether it is then below one of the default ones: what a privileged
 * program trusts (is_trusted_path_normalize in elf/dl-load.c). */
static bool
is_trusted(const struct nl_rules *rules, char *path, size_t length)
{
    size_t out = 0;
    for (size_t at = 0; at < length;) {
        size_t end = at + 1;
        while (end < length && path[end] != '/') {
            end++;
        }
        size_t part = end - at;
        if (path[at] != '/') {
            return false;
        }
        if (part == 3 && memcmp(path + at, "/..", 3) == 0) {
            while (out > 0 && path[--out] != '/') {
            }
        } else if (part > 1 && !(part == 2 && path[at + 1] == '.')) {
            memmove(path + out, path + at, part);
            out += part;
        }
        at = end;
    }
    path[out] = '\0';
    for (uint32_t i = 0; i < rules->defaults.count; i++) {
        size_t size = strlen(rules->defaults.items[i]);
        if (out >= size && memcmp(path, rules->defaults.items[i], size) == 0 && (out == size || path[size] == '/')) {
            return true;
        }
    }
    return false;
}

enum nl_status
nl_expand(struct nl_walk *walk, const struct nl_node *node, const char *text, size_t length, const char **result)
{
    const char *value = NULL;
    size_t room = length, value_length = 0, used = 0;
    bool origin_first = false;
    enum nl_status status = nl_walk_spend(walk, length);
    *result = NULL;
    if (status != NL_OK) {
        return status;
    }
    if (memchr(text, '$', length) == NULL) {
        *result = nl_walk_copy(walk, text, length);
        return *result != NULL ? NL_OK : NL_NO_MEMORY;
    }
    for (size_t i = 0; i < length; i++) { /* each '$' gives no more than the longest value */
        if (text[i] == '$' && token_at(walk, node, text + i + 1, length - i - 1, &value, &value_length) > 0) {
            room += value_length;
        }
        if (room > NL_MOST_TEXT) {
            return NL_OK;
        }
    }
    status = nl_walk_spend(walk, room); /* an origin is long, and may be asked for a million times */
    if (status != NL_OK) {
        return status;
    }
    char *out = nl_walk_copy(walk, NULL, room);
    if (out == NULL) {
        return NL_NO_MEMORY;
    }
    for (size_t i = 0; i < length;) {
        size_t token = text[i] == '$' ? token_at(walk, node, text + i + 1, length - i - 1, &value, &value_length) : 0;
        if (token == 0) {
            out[used++] = text[i++];
            continue;
        }
        if (walk->rules->secure && node->program && value == node->origin) {
            size_t after = i + 1 + token;
            if (i > 0 || (after < length && text[after] != '/')) {
                return NL_OK;
            }
            origin_first = true;
        }
        if (value_length == 0) {
            return NL_OK;
        }
        memcpy(out + used, value, value_length);
        used += value_length;
        i += 1 + token;
    }
    if (origin_first) {
        char *copy = nl_walk_copy(walk, out, used);
        if (copy == NULL) {
            return NL_NO_MEMORY;
        }
        if (!is_trusted(walk->rules, copy, used)) {
            return NL_OK;
        }
        if (walk->rules->release >= WITHOUT_DOTS) {
            *result = copy;
            return NL_OK;
        }
    }
    out[used] = '\0';
    *result = out;
    return NL_OK;
}

/* Adds the directory that an item of a path means. An empty item is the working directory. */
static enum nl_status
add_directory(struct nl_walk *walk, const struct nl_node *node, const char *item, size_t length, struct nl_texts *to)
{
    const char *directory = ".";
    enum nl_status status = nl_walk_spend(walk, NL_ONE_TRY);
    if (status == NL_OK && length > 0) {
        status = nl_expand(walk, node, item, length, &directory);
        if (status != NL_OK || directory == NULL || *directory == '\0') {
            return status;
        }
        char *end = strchr(directory, '\0');
        while (end > directory && end[-1] == '/') {
            *--end = '\0';
        }
    }
    return status == NL_OK ? nl_texts_add(to, directory) : status;
}

static enum nl_status
add_directories(struct nl_walk *walk, const struct nl_node *node, const char *text, struct nl_texts *to)
{
    enum nl_status status = NL_OK;
    while (status == NL_OK && text != NULL && *text != '\0') {
        size_t length = strcspn(text, ":");
        status = add_directory(walk, node, text, length, to);
        text += length;
        if (*text != '\0' && *++text == '\0' && status == NL_OK) {
            status = nl_texts_add(to, "."); /* after a last separator */
        }
    }
    return status;
}

/* musl knows $ORIGIN alone, which need not end there, and takes a path with any other token for none; the path is
 * expanded before it is split (fixup_rpath, path_open). */
static enum nl_status
add_musl_directories(struct nl_walk *walk, const struct nl_node *node, const char *text, struct nl_texts *to)
{
    size_t room = strlen(text), used = 0;
    for (const char *token = strchr(text, '$'); token != NULL; token = strchr(token + 1, '$')) {
        if (strncmp(token, "$ORIGIN", 7) != 0 && strncmp(token, "${ORIGIN}", 9) != 0) {
            return NL_OK;
        }
        if (walk->rules->secure && node->program) { /* whoever starts it chooses its path */
            return NL_OK;
        }
        room += node->origin_length;
        if (room > NL_MOST_TEXT) {
            return NL_OK;
        }
    }
    char *out = nl_walk_copy(walk, NULL, room);
    if (out == NULL) {
        return NL_NO_MEMORY;
    }
    while (*text != '\0') {
        if (*text == '$') {
            memcpy(out + used, node->origin, node->origin_length);
            used += node->origin_length;
            text += text[1] == '{' ? 9 : 7;
        } else {
            out[used++] = *text++;
        }
    }
    out[used] = '\0';
    enum nl_status status = NL_OK;
    for (char *item = out + strspn(out, ":\n"); status == NL_OK && *item != '\0';) {
        size_t length = strcspn(item, ":\n");
        char *next = item + length + strspn(item + length, ":\n");
        item[length] = '\0';
        status = nl_texts_add(to, item);
        item = next;
    }
    return status;
}

enum nl_status
nl_expand_paths(struct nl_walk *walk, struct nl_node *node)
{
    const struct nl_facts *facts = node->facts;
    const char *rpath = nl_text(facts, facts->rpath), *runpath = nl_text(facts, facts->runpath);
    if (node->expanded) {
        return NL_OK;
    }
    node->expanded = true;
    if (walk->rules->musl) { /* either serves like the other, and is inherited */
        const char *text = runpath != NULL ? runpath : rpath;
        return text == NULL ? NL_OK : add_musl_directories(walk, node, text, &node->rpath);
    }
    if (runpath != NULL) { /* silences the DT_RPATH */
        return add_directories(walk, node, runpath, &node->runpath);
    }
    return add_directories(walk, node, rpath, &node->rpath);
}
