"""`--prefer NAME=VALUE`: writes a choice into a configuration file, once it is seen that it can be honoured here."""

import sys

from nativeload import preferences
from nativeload.errors import NativeLoadError
from nativeload.terminal import printable_lines, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

DONE, REFUSED, USAGE = 0, 1, 2


def main(arguments: "Sequence[str]") -> int:
    """Write a choice, once it is seen that it can be honoured here. Exit status 0, 1 where it cannot, 2 for its form."""
    options = _parser().parse_args(arguments)
    name, equals, value = options.choice.partition("=")
    name, value = name.strip(), value.strip()
    if not name or not equals:
        return _refuse(f"write NAME=VALUE, not {options.choice!r}; NAME= withdraws a choice", USAGE)
    files = dict(preferences.files(obeyed=False))
    path = next((files[one] for one in options.whose if one in files), "")
    if not path:
        return _refuse("there is no home directory to write in", REFUSED)
    try:
        said = _tried(name, value) if value not in ("", "never") and name != preferences.ALL else ""
        from nativeload.configfile import write

        path = write(path, name, value)
    except (NativeLoadError, OSError) as error:
        return _refuse(str(error), REFUSED)
    show(printable_lines(f"{path}: {f'{name} = {value}' if value else f'{name} is withdrawn'}{said}"))
    return DONE


def _parser() -> "argparse.ArgumentParser":
    import argparse

    from nativeload.__main__ import _formatter

    parser = argparse.ArgumentParser(
        prog="nativeload --prefer",
        description="Choose a library for good, in the user's configuration file.",
        formatter_class=_formatter,
    )
    parser.add_argument(
        "choice",
        metavar="NAME=VALUE",
        help="a library, a virtual name (blas), or * for all; and an absolute path, a directory, wheel, system, "
        "wheel-first, system-first, never, a distribution, or, of a virtual name, a library; nothing: withdraw it",
    )
    place = parser.add_mutually_exclusive_group()
    for option, whose in (("--environment", ["environment", "interpreter"]), ("--site", ["site"])):
        words = f"in the {option[2:]}'s file, not in the user's"
        place.add_argument(option, action="store_const", dest="whose", const=whose, default=["user"], help=words)
    return parser


def _tried(name: str, value: str) -> str:
    """What the choice comes to in this environment. Raises what `load` would raise."""
    from nativeload import requirement, resolution

    preferences.prefer(name, value)
    try:
        spec, trace = resolution.resolve(requirement.parse(name).name)
        if spec is None:
            raise resolution.failure(name, trace)
        return f"\n{name}: {spec.path}"
    finally:
        preferences.prefer(name, None)


def _refuse(words: str, status: int) -> int:
    print(f"nativeload: {printable_lines(words)}", file=sys.stderr)
    return status
