"""The directories that a file's own headers name, as glibc reads them (ld.so(8), "Dynamic string tokens")."""

import os

from nativeload.linkers import hwcaps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.images import Image
    from nativeload.linkers.glibc import Linker


def rpaths(path: str, image: "Image", inherited: list[str], linker: "Linker") -> tuple[list[str], list[str], list[str]]:
    """(rpath, runpath, rpath to inherit) of a requester: a DT_RUNPATH silences every DT_RPATH, and is not inherited."""
    if image.runpath is not None:
        return [], _directories(image.runpath, path, linker), inherited
    chain = [*_directories(image.rpath, path, linker), *inherited] if image.rpath else inherited
    return chain, [], chain


def _directories(text: str, path: str, linker: "Linker") -> list[str]:
    """An empty item means the current directory, an empty text nothing at all."""
    items = text.split(":") if text else []
    expanded = [expand(item, path, linker) if item else "." for item in items]
    return [directory.rstrip("/") or "/." for directory in expanded if directory]


def expand(text: str, path: str, linker: "Linker") -> str:
    """What the file at `path` means by a text: $ORIGIN, $LIB and $PLATFORM put in. "" where one stands for nothing."""
    result, *parts = text.split("$")
    for part in parts:
        end = next((at for at, letter in enumerate(part) if not (letter.isalnum() or letter == "_")), len(part))
        token, rest = part[:end], part[end:]
        if part.startswith("{") and "}" in part:
            token, _, rest = part[1:].partition("}")
        if token not in ("ORIGIN", "LIB", "PLATFORM"):
            result += f"${part}"
            continue
        value = _value(token, path, linker)
        if not value:
            return ""
        result += value + rest
    return result


def _value(token: str, path: str, linker: "Linker") -> str:
    if token == "ORIGIN":
        return os.path.dirname(path)
    if token == "PLATFORM":
        return hwcaps.platform(linker.program.machine)
    # The first default directory is $LIB below the root: /lib/x86_64-linux-gnu, /lib64, /usr/lib.
    default = next((directory for directory, kind in linker.search_path if kind == "default"), "/lib")
    return default.removeprefix("/usr")[1:] if default.startswith(("/lib", "/usr/lib")) else os.path.basename(default)
