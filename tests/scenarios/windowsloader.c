/* Loads a library as CPython imports an extension module, and says which modules the process has then.
 *
 * The environment says what is done: NL_ADD, directories for AddDllDirectory; NL_BEFORE, libraries to load before;
 * NL_LOAD, the library; lists are separated by "|". Nothing but kernel32 is linked. */
#include <windows.h>
#include <psapi.h>

enum { MOST = 512, LONGEST = 1 << 14 };

static HMODULE before[MOST], after[MOST];
static WCHAR text[LONGEST];
static char bytes[LONGEST * 3];

static void
put(const char *what, const WCHAR *path, DWORD number)
{
    DWORD written, length = 0;
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    char digits[12], *place = digits + sizeof digits;
    *--place = '\n';
    do {
        *--place = (char)('0' + number % 10);
    } while ((number /= 10) != 0);
    while (what[length] != '\0') {
        length++;
    }
    WriteFile(out, what, length, &written, NULL);
    if (path != NULL) {
        length = (DWORD)WideCharToMultiByte(CP_UTF8, 0, path, -1, bytes, sizeof bytes - 1, NULL, NULL);
        bytes[length - 1] = '\n';
        WriteFile(out, bytes, length, &written, NULL);
    } else {
        WriteFile(out, place, (DWORD)(digits + sizeof digits - place), &written, NULL);
    }
}

static DWORD
modules(HMODULE *found)
{
    DWORD size = 0;
    K32EnumProcessModules(GetCurrentProcess(), found, MOST * sizeof *found, &size);
    return size / sizeof *found;
}

static DWORD
load(const WCHAR *path)
{
    return LoadLibraryExW(path, NULL, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR) == NULL
               ? GetLastError()
               : 0;
}

static DWORD
add(const WCHAR *path)
{
    return AddDllDirectory(path) == NULL ? GetLastError() : 0;
}

static void
each(const WCHAR *variable, const char *what, DWORD (*act)(const WCHAR *))
{
    text[0] = L'\0';
    GetEnvironmentVariableW(variable, text, LONGEST);
    for (WCHAR *start = text, *end = text; start[0] != L'\0'; start = end) {
        while (*end != L'\0' && *end != L'|') {
            end++;
        }
        if (*end != L'\0') {
            *end++ = L'\0';
        }
        put(what, NULL, act(start));
    }
}

void __stdcall
mainCRTStartup(void)
{
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX | SEM_NOGPFAULTERRORBOX);
    each(L"NL_ADD", "add ", add);
    each(L"NL_BEFORE", "before ", load);
    DWORD had = modules(before);
    each(L"NL_LOAD", "error ", load);
    DWORD has = modules(after);
    for (DWORD i = 0; i < has; i++) {
        DWORD j = 0;
        while (j < had && before[j] != after[i]) {
            j++;
        }
        GetModuleFileNameW(after[i], text, LONGEST);
        put(j < had ? "had " : "new ", text, 0);
    }
    ExitProcess(0);
}
