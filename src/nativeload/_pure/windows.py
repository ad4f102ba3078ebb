"""This process on Windows, through ctypes: its modules, its directories, and loading one module more.

Nothing here decides what to load. Sources: LoadLibraryExW, EnumProcessModules, GetModuleHandleExW of Microsoft.
"""

import os
import sys

assert sys.platform == "win32"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# As CPython loads an extension module: what it needs is looked for beside it, in the program's directory, in those that
# were added, in System32; never in the working directory or along PATH.
_SEARCH = 0x1000 | 0x100  # LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR
_USER_DIRECTORIES = 0x400  # LOAD_LIBRARY_SEARCH_USER_DIRS
_LONGEST = 32768  # UTF-16 units of a path

_functions: "dict[str, Any]" = {}


def _function(name: str, result: str, *arguments: str, library: str = "kernel32") -> "Any":
    """A function of the system's, its types named as in ctypes. A call releases the GIL."""
    if name in _functions:
        return _functions[name]
    import ctypes

    function: Any = getattr(ctypes.WinDLL(library, use_last_error=True), name)
    function.restype = getattr(ctypes, result)
    function.argtypes = tuple(getattr(ctypes, argument) for argument in arguments)
    return _functions.setdefault(name, function)


def _named(path: str) -> str:
    """A module's name as LoadLibraryExW takes it, which knows no "/"."""
    if "\0" in path:
        raise ValueError("embedded null character")
    return path.replace("/", "\\")


def _modules() -> "list[int]":
    """Every module, the program first."""
    import ctypes

    count, needed = 256, ctypes.c_uint32()
    enumerate_modules = _function("K32EnumProcessModules", "c_int", "c_void_p", "c_void_p", "c_uint32", "c_void_p")
    process = _function("GetCurrentProcess", "c_void_p")()
    while True:
        items = (ctypes.c_void_p * count)()
        if not enumerate_modules(process, items, ctypes.sizeof(items), ctypes.byref(needed)):
            raise ctypes.WinError(ctypes.get_last_error())
        found = needed.value // ctypes.sizeof(ctypes.c_void_p)
        if found <= count:
            return [item for item in items[:found] if item]
        count = found + 64  # another thread may be loading some


def _path_of(module: "int | None") -> str:
    """Where a module is, the program for None; "" where it has been unloaded meanwhile."""
    import ctypes

    text = ctypes.create_unicode_buffer(_LONGEST)
    length = _function("GetModuleFileNameW", "c_uint32", "c_void_p", "c_wchar_p", "c_uint32")(module, text, _LONGEST)
    return text.value if 0 < length < _LONGEST else ""


def linkmap() -> "tuple[tuple[str, str | None], ...]":
    """(path, file name in small letters, by which the loader knows it again) of every module; the program's path is ""."""
    paths = [_path_of(module) for module in _modules()]
    names = [os.path.basename(path).translate(_SMALL) for path in paths]
    return tuple((path if at else "", name) for at, (path, name) in enumerate(zip(paths, names, strict=True)) if path)


_SMALL = {number: number + 32 for number in range(ord("A"), ord("Z") + 1)}


def dlopen(path: str, _flags: int, /) -> int:
    """A handle. Raises OSError with the system's words. The GIL is released while DllMain runs."""
    import ctypes

    load = _function("LoadLibraryExW", "c_void_p", "c_wchar_p", "c_void_p", "c_uint32")
    handle: int | None = load(_named(path), None, _SEARCH)
    if handle is None:
        raise OSError(ctypes.FormatError(ctypes.get_last_error()).strip())
    return handle


def loaded_handle(path: str, /) -> "int | None":
    """The handle of a module that is loaded already, or None. Maps nothing."""
    import ctypes

    module = ctypes.c_void_p()
    _function("GetModuleHandleExW", "c_int", "c_uint32", "c_wchar_p", "c_void_p")(0, _named(path), ctypes.byref(module))
    return module.value


def dlsym(handle: int, name: str, /) -> "int | None":
    """The address of a symbol, None where there is none."""
    if "\0" in name:
        raise ValueError("embedded null character")
    address: int | None = _function("GetProcAddress", "c_void_p", "c_void_p", "c_char_p")(handle, os.fsencode(name))
    return address


def libc() -> "tuple[str, str]":
    """("windows", "10.0.19045"), which GetVersion hides from programs without a manifest."""
    import ctypes

    # OSVERSIONINFOW: its size, three numbers, the platform, a text of 128 units
    found = (ctypes.c_uint32 * 69)(69 * 4)
    if _function("RtlGetVersion", "c_int32", "c_void_p", library="ntdll")(found):
        return "windows", ""
    return "windows", ".".join(map(str, found[1:4]))


def isa_level() -> int:
    """1, the baseline, which is all that Windows tells without CPUID; 0 on another machine than x86-64."""
    return int("(AMD64)" in sys.version)


def search_path() -> "list[tuple[str, str]]":
    """(directory, kind) in order: the program's, those that AddDllDirectory was given, System32."""
    import ctypes

    text = ctypes.create_unicode_buffer(260)
    length = _function("GetSystemDirectoryW", "c_uint32", "c_wchar_p", "c_uint32")(text, 260)
    system = [(text.value, "default")] if 0 < length < 260 else []
    added = [(directory, "AddDllDirectory") for directory in _added()]
    return [(os.path.dirname(_path_of(None)), "default"), *added, *system]


def _added() -> "list[str]":
    """What AddDllDirectory was given, by the function that LoadLibraryExW asks itself; none where ntdll.dll has it not."""
    import ctypes

    found, unused = ctypes.c_void_p(), ctypes.c_void_p()
    try:
        ask = _function("LdrGetDllPath", "c_int32", "c_wchar_p", "c_uint32", "c_void_p", "c_void_p", library="ntdll")
        release = _function("RtlReleasePath", "c_int32", "c_void_p", library="ntdll")
    except AttributeError:
        return []
    if ask("", _USER_DIRECTORIES, ctypes.byref(found), ctypes.byref(unused)) or not found.value:
        return []
    text = ctypes.wstring_at(found.value)
    release(found)
    return [directory for directory in text.split(";") if directory]


def searched() -> "list[str]":
    """The directories of `search_path`."""
    return [directory for directory, _ in search_path()]
