"""The command line: `python -m nativeload --explain [NAME|FILE…]`, `--list`. Reports go to stdout, the rest to stderr."""

import argparse
import json
import os
import sys

from nativeload import explanation, filereport, inventory, loader, overview
from nativeload.errors import NativeLoadError, RequirementError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FOUND, REFUSED, USAGE = 0, 1, 2

_EPILOG = """exit status: 0 everything asked for was found and would load; 1 something was not found or was refused;
2 the command line or a requirement cannot be read"""


def _formatter(prog: str) -> argparse.HelpFormatter:
    """argparse's own, of a width that is given: to find one it would import shutil, which maps libz and others."""
    try:
        width = os.get_terminal_size().columns - 2
    except OSError:
        width = 98
    return argparse.HelpFormatter(prog, width=width)


def _get_main_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nativeload",
        description="Find, judge and explain native libraries. Nothing is loaded.",
        epilog=_EPILOG,
        formatter_class=_formatter,
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument(
        "--explain",
        nargs="*",
        metavar="NAME|FILE",
        help="say which library would be loaded and why; for a file (a path with '/'), whether it would load; "
        "without a name, describe this process, its linker, providers and cache",
    )
    action.add_argument("--list", action="store_true", help="list the libraries that installed distributions provide")
    action.add_argument("--version", action="version", version=f"nativeload {loader.VERSION}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _main(arguments: "Sequence[str] | None" = None) -> int:
    options = _get_main_parser().parse_args(arguments)
    try:
        if options.list:
            return _list(options.json)
        return _explain(options.explain, options.json) if options.explain else _overview(options.json)
    except RequirementError as error:
        print(f"nativeload: {error}", file=sys.stderr)
        return USAGE
    except NativeLoadError as error:
        print(f"nativeload: {error}", file=sys.stderr)
        return REFUSED


def _explain(names: list[str], as_json: bool) -> int:
    explain = [filereport.explain if "/" in name else lambda n: explanation.explain(n, ()) for name in names]
    found = [one(name) for one, name in zip(explain, names, strict=True)]
    if as_json:
        facts = [one.to_dict() for one in found]
        _show(json.dumps(facts[0] if len(facts) == 1 else facts, indent=2))
    else:
        _show("\n\n".join(map(str, found)))
    return FOUND if all(one.status == "found" for one in found) else REFUSED


def _show(report: str) -> None:
    """Print; where the reader (a pager, head) has seen enough, that is no failure and changes no exit status."""
    try:
        print(report, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overview(as_json: bool) -> int:
    facts = overview.overview()
    _show(json.dumps(facts, indent=2) if as_json else overview.text(facts))
    return FOUND


def _list(as_json: bool) -> int:
    libraries = [one.to_dict() for one in inventory.provided()]
    if as_json:
        _show(json.dumps({"version": 1, "libraries": libraries}, indent=2))
    else:
        _show("\n".join(map(overview.provided_line, libraries)) or "no installed distribution provides a library")
    return FOUND


def main() -> None:
    """The console script's entry."""
    # A file's name may hold bytes that are no text; a report must not fail on them.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(_main())


if __name__ == "__main__":
    main()
