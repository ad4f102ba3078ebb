#ifdef _WIN32

#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>

#include "wide.h"

#define EPOCH INT64_C(116444736000000000) /* 1970 in the units of FILETIME, 100 ns since 1601 */

static void
take_error(void)
{
    DWORD error = GetLastError();
    errno = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_INVALID_NAME ? ENOENT
            : error == ERROR_ACCESS_DENIED || error == ERROR_SHARING_VIOLATION                            ? EACCES
            : error == ERROR_DIRECTORY                                                                    ? ENOTDIR
            : error == ERROR_NOT_ENOUGH_MEMORY                                                            ? ENOMEM
                                                                                                          : EIO;
}

/* A handle that directories have too; INVALID_HANDLE_VALUE, and errno. */
static HANDLE
open_handle(const char *path, DWORD access, DWORD more)
{
    wchar_t *wide = nl_wide(path);
    HANDLE handle = INVALID_HANDLE_VALUE;
    if (wide != NULL) {
        DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
        handle = CreateFileW(wide, access, share, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | more, NULL);
        if (handle == INVALID_HANDLE_VALUE) {
            take_error();
        }
    }
    free(wide);
    return handle;
}

static int
open_file(const char *path, DWORD more)
{
    HANDLE handle = open_handle(path, GENERIC_READ, more);
    if (handle == INVALID_HANDLE_VALUE) {
        return -1;
    }
    int fd = _open_osfhandle((intptr_t)handle, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    if (fd < 0) {
        CloseHandle(handle);
    }
    return fd;
}

int
nl_os_open(int root, const char *path)
{
    if (root >= 0) {
        errno = ENOSYS;
        return -1;
    }
    return open_file(path, 0);
}

int
nl_os_open_root(const char *directory)
{
    (void)directory;
    errno = ENOSYS;
    return -1;
}

int
nl_os_open_no_link(const char *path)
{
    int fd = open_file(path, FILE_FLAG_OPEN_REPARSE_POINT);
    BY_HANDLE_FILE_INFORMATION found;
    if (fd >= 0 && GetFileInformationByHandle((HANDLE)_get_osfhandle(fd), &found)
        && (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)) {
        _close(fd);
        errno = ELOOP;
        return -1;
    }
    return fd;
}

void
nl_os_close(int fd)
{
    _close(fd);
}

static uint64_t
both(DWORD high, DWORD low)
{
    return (uint64_t)high << 32 | low;
}

static bool
state_of(HANDLE handle, struct nl_stat *state)
{
    BY_HANDLE_FILE_INFORMATION found;
    FILE_BASIC_INFO times;
    if (GetFileType(handle) != FILE_TYPE_DISK) {
        *state = (struct nl_stat){.kind = NL_SPECIAL};
        return true;
    }
    if (!GetFileInformationByHandle(handle, &found)
        || !GetFileInformationByHandleEx(handle, FileBasicInfo, &times, sizeof times)) {
        take_error();
        return false;
    }
    *state = (struct nl_stat){
        .signature = {
            .dev = found.dwVolumeSerialNumber,
            .ino = both(found.nFileIndexHigh, found.nFileIndexLow),
            .size = both(found.nFileSizeHigh, found.nFileSizeLow),
            .mtime_ns = (times.LastWriteTime.QuadPart - EPOCH) * 100,
            .ctime_ns = (times.ChangeTime.QuadPart - EPOCH) * 100,
        },
        .kind = found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? NL_DIRECTORY : NL_REGULAR,
    };
    return true;
}

bool
nl_os_fstat(int fd, struct nl_stat *state)
{
    return state_of((HANDLE)_get_osfhandle(fd), state);
}

bool
nl_os_stat(int root, const char *path, struct nl_stat *state)
{
    HANDLE handle = root < 0 ? open_handle(path, FILE_READ_ATTRIBUTES, 0) : INVALID_HANDLE_VALUE;
    bool there = handle != INVALID_HANDLE_VALUE && state_of(handle, state);
    if (handle != INVALID_HANDLE_VALUE) {
        CloseHandle(handle);
    }
    return there;
}

bool
nl_os_is_own(const struct nl_stat *state)
{
    (void)state;
    return true;
}

ptrdiff_t
nl_os_read(int fd, uint64_t offset, void *to, size_t length)
{
    OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
    DWORD got = 0, most = length < 1u << 30 ? (DWORD)length : 1u << 30;
    if (!ReadFile((HANDLE)_get_osfhandle(fd), to, most, &got, &at) && GetLastError() != ERROR_HANDLE_EOF) {
        take_error();
        return -1;
    }
    return (ptrdiff_t)got;
}

char *
nl_os_real(int root, const char *path)
{
    wchar_t real[NL_MOST_LINK];
    HANDLE handle = root < 0 ? open_handle(path, FILE_READ_ATTRIBUTES, 0) : INVALID_HANDLE_VALUE;
    if (handle == INVALID_HANDLE_VALUE) {
        return NULL;
    }
    DWORD length = GetFinalPathNameByHandleW(handle, real, NL_MOST_LINK, 0);
    CloseHandle(handle);
    bool plain = length > 4 && length < NL_MOST_LINK && wcsncmp(real, L"\\\\?\\", 4) == 0 && real[5] == L':';
    return length > 0 && length < NL_MOST_LINK ? nl_narrow(real + (plain ? 4 : 0)) : NULL;
}

char *
nl_os_working_directory(void)
{
    wchar_t path[NL_MOST_LINK];
    DWORD length = GetCurrentDirectoryW(NL_MOST_LINK, path);
    return length > 0 && length < NL_MOST_LINK ? nl_narrow(path) : NULL;
}

/* Wheels have no links there, and a version stands in no file's name. */
void
nl_os_link(const char *path, char target[NL_MOST_LINK])
{
    (void)path;
    *target = '\0';
}

struct nl_listing {
    HANDLE handle;
    WIN32_FIND_DATAW found;
    bool first; /* what was found has not been given yet */
    char *name;
    char *directory;
};

struct nl_listing *
nl_os_list(const char *directory)
{
    struct nl_listing *listing = calloc(1, sizeof *listing);
    char *pattern = nl_joined(directory, "*");
    wchar_t *wide = pattern == NULL ? NULL : nl_wide(pattern);
    free(pattern);
    if (listing == NULL || wide == NULL || (listing->directory = strdup(directory)) == NULL) {
        free(listing);
        free(wide);
        return NULL;
    }
    listing->handle = FindFirstFileW(wide, &listing->found);
    listing->first = true;
    free(wide);
    if (listing->handle == INVALID_HANDLE_VALUE) {
        take_error();
        free(listing->directory);
        free(listing);
        return NULL;
    }
    return listing;
}

const char *
nl_os_next(struct nl_listing *listing)
{
    if (!listing->first && !FindNextFileW(listing->handle, &listing->found)) {
        errno = GetLastError() == ERROR_NO_MORE_FILES ? 0 : EIO;
        return NULL;
    }
    listing->first = false;
    free(listing->name);
    listing->name = nl_narrow(listing->found.cFileName);
    return listing->name;
}

int
nl_os_open_listed(struct nl_listing *listing, const char *name)
{
    char *path = nl_joined(listing->directory, name);
    int fd = path == NULL ? -1 : nl_os_open(-1, path);
    free(path);
    return fd;
}

void
nl_os_list_end(struct nl_listing *listing)
{
    FindClose(listing->handle);
    free(listing->name);
    free(listing->directory);
    free(listing);
}

#else

typedef int nl_os_is_not_windows;

#endif
