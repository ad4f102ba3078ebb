"""The directories that a path in a file's headers or in the environment names (ld.so(8), "Dynamic string tokens")."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TOKENS = ("ORIGIN", "LIB", "PLATFORM")


def directories(
    text: str, tokens: "Mapping[str, str]", separators: str = ":", trusted: "Collection[str] | None" = None
) -> list[str]:
    """The directories of one path. An empty item means the current directory, an empty text nothing at all.

    `tokens` is what $ORIGIN, $LIB and $PLATFORM stand for; `trusted` are the directories that a privileged program
    trusts, None for a program that is not.
    """
    for separator in separators[1:]:
        text = text.replace(separator, separators[0])
    items = text.split(separators[0]) if text else []
    expanded = [expand(item, tokens, trusted) if item else "." for item in items]
    return [directory.rstrip("/") for directory in expanded if directory]


def expand(text: str, tokens: "Mapping[str, str]", trusted: "Collection[str] | None" = None) -> str:
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
    return "" if first and not _is_trusted(result, trusted or ()) else result


def _is_trusted(path: str, trusted: "Collection[str]") -> bool:
    """Whether a directory is below one of the trusted (is_trusted_path_normalize in elf/dl-load.c)."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    whole = "/" + "/".join(parts) + "/"
    return path.startswith("/") and any(whole.startswith(f"{directory}/") for directory in trusted)
