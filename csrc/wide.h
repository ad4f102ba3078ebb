/* Texts as Windows has them. */
#ifndef NATIVELOAD_WIDE_H
#define NATIVELOAD_WIDE_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A UTF-8 text in UTF-16; NULL, and errno. */
static inline wchar_t *
nl_wide(const char *text)
{
    int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
    wchar_t *wide = length > 0 ? malloc((size_t)length * sizeof *wide) : NULL;
    if (wide == NULL || MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, length) == 0) {
        free(wide);
        errno = length > 0 ? ENOMEM : EINVAL;
        return NULL;
    }
    return wide;
}

/* The other way round. */
static inline char *
nl_narrow(const wchar_t *wide)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *text = length > 0 ? malloc((size_t)length) : NULL;
    if (text == NULL || WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, length, NULL, NULL) == 0) {
        free(text);
        errno = ENOMEM;
        return NULL;
    }
    return text;
}

static inline char *
nl_joined(const char *directory, const char *name)
{
    size_t length = strlen(directory), size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        memcpy(path, directory, length);
        path[length] = '\\';
        strcpy(path + length + 1, name);
    }
    return path;
}

#endif
