"""`python -m nativeload pack LIB… --name NAME --version VERSION`: a provider's wheel from libraries that are built."""

import sys

from nativeload.terminal import printable_lines, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any


def main(arguments: "Sequence[str]") -> int:
    """Make the wheel and print its path; what is refused is raised."""
    from nativeload.pack import wheel

    options = _parser().parse_args(arguments)
    try:
        made = wheel.pack(
            options.libraries,
            name=options.name,
            version=options.version,
            include=options.include,
            licenses=options.license,
            requires=options.requires,
            output=options.output,
        )
    except OSError as error:  # of a header that cannot be read, or of the place for the wheel
        print(f"nativeload: no wheel was made: {printable_lines(str(error))}", file=sys.stderr)
        return 1
    if made.note:
        print(f"nativeload: {printable_lines(made.note)}", file=sys.stderr)
    show(printable_lines(made.path))
    return 0


def _parser() -> "argparse.ArgumentParser":
    import argparse

    from nativeload.__main__ import _formatter

    parser = argparse.ArgumentParser(
        prog="nativeload pack",
        description="Make a wheel that provides libraries which are already built. Nothing is loaded.",
        epilog="exit status: 0 the wheel was made; 1 it was not, and why is said; 2 the command line cannot be read",
        formatter_class=_formatter,
    )
    parser.add_argument("libraries", nargs="+", metavar="LIB", help="a shared library; each is stored under its soname")
    parser.add_argument("--name", required=True, help="the distribution's name; its package is named after it")
    parser.add_argument("--version", required=True, help="the distribution's version, and the libraries'")
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--include", metavar="DIR", help="the headers: what is in DIR (may be repeated)", **several)
    parser.add_argument("--license", metavar="FILE", help="a licence's text (may be repeated)", **several)
    parser.add_argument(
        "--requires",
        metavar="DIST",
        help="an installed distribution that brings what the libraries need, as 'bar-lib>=1.2' (may be repeated)",
        **several,
    )
    parser.add_argument("-o", "--output", default="dist", metavar="DIR", help="where to put the wheel (default: dist)")
    return parser
