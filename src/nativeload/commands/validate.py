"""`python -m nativeload --validate WHEEL|DIR`: whether what it declares would be found and loaded when it is installed.
`--validate-catalog FILE…`: whether data files for the catalog are what its schema says, and what is wrong where.
"""

import sys

from nativeload.terminal import json_text, printable, printable_lines, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.validation import Finding


def main(arguments: "Sequence[str]") -> int:
    """Print what is wrong; 0 where nothing is an error."""
    import argparse

    from nativeload import validation
    from nativeload.__main__ import _formatter

    parser = argparse.ArgumentParser(
        prog="nativeload --validate",
        description="Say whether a provider would work when it is installed. Nothing is installed, imported or loaded.",
        epilog="exit status: 0 it would; 1 something is wrong, or cannot be read; 2 the command line cannot be read",
        formatter_class=_formatter,
    )
    parser.add_argument("place", metavar="WHEEL|DIR", help="a wheel, or a directory with its *.dist-info and packages")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        libraries, found = validation.validate(options.place)
    except OSError as error:
        print(f"nativeload: {printable_lines(f'{options.place}: {error.strerror or error}')}", file=sys.stderr)
        return 1
    well = all(one.severity == "warning" for one in found)
    if options.json:
        show(json_text({"version": 1, "libraries": libraries, "problems": [one.to_dict() for one in found]}))
    else:
        show(printable_lines("\n".join(_lines(options.place, libraries, found))))
    return 0 if well else 1


def _lines(place: str, libraries: list[str], found: "list[Finding]") -> list[str]:
    if not libraries and not found:
        return [f"{place} declares no library"]
    lines = []
    for one in found:
        lines += [f"{one.severity}: {one.kind}: {one.subject}: {one.detail}", f"  {one.remedy}"]
    said = f"{place} provides {', '.join(libraries) or 'nothing that can be used'}"
    return [*lines, said if found else f"{said}: nothing is wrong"]


def catalog(arguments: "Sequence[str]") -> int:
    """Report on each file; 0 where nothing is wrong, 1 where something is."""
    import argparse

    from nativeload.__main__ import _formatter
    from nativeload.catalog import validation

    parser = argparse.ArgumentParser(
        prog="nativeload --validate-catalog",
        description="Say whether data files for nativeload's catalog can be used, and what is wrong on which line.",
        epilog="exit status: 0 nothing is wrong; 1 something is; 2 the command line cannot be read",
        formatter_class=_formatter,
    )
    parser.add_argument("file", nargs="+", metavar="FILE")
    parser.add_argument(
        "--distribution", default="", metavar="NAME", help="judge the files as those that a distribution adds"
    )
    options = parser.parse_args(arguments)
    status = 0
    for path in options.file:
        entries, problems = validation.read(path, options.distribution)
        for where, reason in problems:
            show(printable(f"{where}: {reason}"))
        if problems:
            status = 1
        else:
            show(printable(f"{path}: {len(entries)} libraries, nothing is wrong"))
    return status
