"""`--validate-catalog FILE…`: whether data files for the catalog are what its schema says, and what is wrong where."""

from nativeload.terminal import printable, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: "Sequence[str]") -> int:
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
