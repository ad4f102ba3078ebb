"""The directories that a path in a file's headers or in the environment names (ld.so(8), "Dynamic string tokens")."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TOKENS = ("ORIGIN", "LIB", "PLATFORM")
# From this release of glibc on, a privileged program's directory is looked into without its dots, before which a link
# could lead elsewhere. No release tells: it is a security fix of 2026, in Debian's 2.41-12+deb13u5 and 2.43-7.
_WITHOUT_DOTS = 41


def directories(
    text: str,
    tokens: "Mapping[str, str]",
    separators: str = ":",
    trusted: "Collection[str] | None" = None,
    release: int = 0,
) -> list[str]:
    """The directories of one path. An empty item means the current directory, an empty text nothing at all.

    `tokens` is what $ORIGIN, $LIB and $PLATFORM stand for; `trusted` are the directories that a privileged program
    trusts, None for a program that is not; `release` that of its linker, glibc 2.`release`.
    """
    for separator in separators[1:]:
        text = text.replace(separator, separators[0])
    items = text.split(separators[0]) if text else []
    expanded = [expand(item, tokens, trusted, release) if item else "." for item in items]
    return [directory.rstrip("/") for directory in expanded if directory]


def expand(text: str, tokens: "Mapping[str, str]", trusted: "Collection[str] | None" = None, release: int = 0) -> str:
    """A text with its tokens put in; "" where one stands for nothing, or leads where nobody may be trusted."""
    result, *parts = text.split("$")
    first = False
    for part in parts:
        end = next((at for at, letter in enumerate(part) if not (letter.isalnum() or letter == "_")), len(part))
        token, rest = part[:end], part[end:]
        if part.startswith("{") and "}" in part:
            token, _, rest = part[1:].partition("}")
        if token not in _TOKENS:
            result += f"${part}"
            continue
        if trusted is not None and token == "ORIGIN":
            if result or rest[:1] not in ("", "/"):
                return ""
            first = True
        value = tokens.get(token)
        if not value:
            return ""
        result += value + rest
    if not first:
        return result
    without_dots = _trusted(result, trusted or ())
    return without_dots if release >= _WITHOUT_DOTS else result if without_dots else ""


def _trusted(path: str, trusted: "Collection[str]") -> str:
    """A directory without dots, "" where it is not below one of the trusted (is_trusted_path_normalize in dl-load.c)."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    whole = "/" + "/".join(parts)
    below = path.startswith("/") and any(f"{whole}/".startswith(f"{directory}/") for directory in trusted)
    return whole if below else ""
