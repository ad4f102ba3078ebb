"""The command line. Reports go to stdout, the rest to stderr; what an option needs is imported when it is given."""

import os
import sys

from nativeload.commands import COMMANDS
from nativeload.terminal import json_text, printable_lines, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from nativeload.explanation import Explanation
    from nativeload.filereport import FileReport

FOUND, REFUSED, USAGE = 0, 1, 2
_ACTIONS = ("--explain", "--tree", "--check", "--list", "--version", "--help")

_STATUS = """exit status: 0 everything asked for was found and would load; 1 something was not found or was refused,
or cannot be read; 2 the command line or a requirement cannot be read"""


def _epilog() -> str:
    others = "; ".join(f"{name}: {what}" for name, (_, what) in COMMANDS.items())
    return f"also, each with its own --help: {others}. {_STATUS}" if others else _STATUS


class _Options:
    """What was asked for."""

    def __init__(self) -> None:
        self.explain: list[str] | None = None
        self.tree: list[str] | None = None
        self.check: list[str] | None = None
        self.list = self.version = self.verbose = self.json = False
        self.module: str | None = None
        self.after: list[str] = []
        self.root = self.platform = self.python = ""
        self.format = ""


def _formatter(prog: str) -> "argparse.HelpFormatter":
    """argparse's own, of a width that is given: to find one it would import shutil, which maps libz and others."""
    import argparse

    try:
        width = os.get_terminal_size().columns - 2
    except OSError:
        width = 98
    return argparse.HelpFormatter(prog, width=width)


def _get_main_parser() -> "argparse.ArgumentParser":
    import argparse

    parser = argparse.ArgumentParser(
        prog="nativeload",
        description="Find, judge and explain native libraries. Nothing is loaded.",
        epilog=_epilog(),
        formatter_class=_formatter,
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument(
        "--explain",
        nargs="*",
        metavar="NAME|FILE",
        help="say which library would be loaded and why; for a file (a path with '/'), whether it would load, and what "
        "with it; with -m, what importing a module would map; without a name, describe this process, its linker, "
        "providers and cache",
    )
    action.add_argument(
        "--tree", nargs="*", metavar="FILE", help="show what the dynamic linker would map for a file, and why"
    )
    action.add_argument(
        "--check",
        nargs="*",
        metavar="DISTRIBUTION|PATH",
        help="say what is wrong with the native files of all installed distributions, of some, or at a path (with '/')",
    )
    action.add_argument("--list", action="store_true", help="list the libraries that installed distributions provide")
    action.add_argument("--version", action="store_true", help="show the version")
    parser.add_argument("-m", metavar="MODULE", dest="module", help="the module whose import --explain explains")
    parser.add_argument(
        "--after",
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="with --tree or -m: what has been loaded before, a file or what load would give (may be repeated)",
    )
    parser.add_argument("--root", default="", metavar="DIR", help="with --tree: the directory that is / for every file")
    parser.add_argument(
        "--platform",
        default="",
        metavar="TAG",
        help="with --tree, --check or --explain of paths: the platform whose linker is asked, as a wheel's tag names it "
        "(macosx_11_0_arm64, win_amd64, musllinux_1_2_aarch64); a wheel (.whl) names its own",
    )
    parser.add_argument("--python", default="", metavar="X.Y", help="with --platform: the version of Python there")
    parser.add_argument("-v", "--verbose", action="store_true", help="with --tree: libc's family too")
    parser.add_argument("--json", action="store_true", help="print JSON: --format json")
    parser.add_argument(
        "--format", choices=("text", "json", "dot"), default="", help="dot, Graphviz's language, is for --tree"
    )
    return parser


def _options(arguments: "Sequence[str]") -> _Options:
    """The command line as it was meant; ends the process where it means nothing."""
    options = _plain(arguments)
    if options is not None:
        return options
    options, parser = _Options(), _get_main_parser()
    if said := _mistaken(arguments):
        parser.error(said)
    _, others = parser.parse_known_args(arguments, options)
    # A name may stand after other options, where argparse takes it for none of these.
    named = next((one for one in (options.tree, options.explain, options.check) if one is not None), None)
    if named is None or any(one.startswith("-") for one in others):
        if others:
            parser.error(f"unrecognized arguments: {' '.join(others)}")
    else:
        named += others
    _judge(options, parser.error)
    return options


def _mistaken(arguments: "Sequence[str]") -> str:
    """What is said where no action is given, but a word that may be meant for one; "" else."""
    begun = [one for one in arguments if len(one) > 2 and any(action.startswith(one) for action in _ACTIONS)]
    if not arguments or begun:
        return ""
    from difflib import get_close_matches

    word = arguments[0]
    near = get_close_matches(word, (*_ACTIONS, *COMMANDS), 1, 0.7)
    meant = near[0] if near else "" if word.startswith("-") else f"--explain {word}"
    return f"{word!r} is no command; did you mean {meant}?" if meant else ""


def _plain(arguments: "Sequence[str]") -> _Options | None:
    """`--tree FILE…` and `--check …`, of hundreds of files at times, without argparse: it takes longer than the answer."""
    action, *rest = arguments or [""]
    if action not in ("--tree", "--check"):
        return None
    options = _Options()
    names: list[str] = []
    for one in rest:
        if one == "--json":
            options.json = True
        elif one[:1] in ("-", ""):
            return None
        else:
            names.append(one)
    if not names and action == "--tree":
        return None
    setattr(options, action[2:], names)
    options.format = "json" if options.json else "text"
    return options


def _judge(options: _Options, error: "Callable[[str], NoReturn]") -> None:
    """Refuse what contradicts itself, and settle the format."""
    if options.json and options.format not in ("", "json"):
        error(f"--json and --format {options.format}")
    options.format = "json" if options.json else options.format or "text"
    if options.module is not None and (options.explain is None or options.explain):
        error("-m MODULE is for --explain, which takes no name then")
    names = options.tree or options.check or options.explain
    if (options.platform or options.python) and not (names and options.module is None):
        error("--platform and --python are for --tree, --check and --explain of wheels and paths")
    if options.tree is None:
        for name, given in (("--root", options.root), ("-v", options.verbose), ("dot", options.format == "dot")):
            if given:
                error(f"{name} is for --tree")
        if options.after and options.module is None:
            error("--after is for --tree and --explain -m")
    elif not options.tree:
        error("--tree needs a file")
    elif options.root and not all("/" in name for name in options.after):
        error("--after a name is of this system: with --root, give a file")


def _main(arguments: "Sequence[str] | None" = None) -> int:
    from nativeload.errors import NativeLoadError, RequirementError

    words = sys.argv[1:] if arguments is None else arguments
    try:
        if words and words[0] in COMMANDS:
            from importlib import import_module

            module, _, function = COMMANDS[words[0]][0].partition(":")
            status: int = getattr(import_module(module), function or "main")(words[1:])
            return status
        return _run(_options(words))
    except NativeLoadError as error:
        print(f"nativeload: {printable_lines(str(error))}", file=sys.stderr)
        return USAGE if isinstance(error, RequirementError) else REFUSED
    except OSError as error:  # nobody's fault here: a full disk, a working directory that is gone
        where = f": {error.filename}" if error.filename else ""
        print(f"nativeload: {printable_lines(f'{error.strerror or error}{where}')}", file=sys.stderr)
        return REFUSED


def _run(options: _Options) -> int:
    as_json = options.format == "json"
    names: Sequence[str] = options.tree or options.check or options.explain or ()
    if options.platform or any(name.endswith(".whl") for name in names):
        return _elsewhere(names, options)
    if sys.platform in ("darwin", "win32"):
        if options.check == []:
            from nativeload import metadata

            names = metadata.sites()
        if options.module is not None:
            from nativeload.platforms import command

            names = command.extensions(options.module)
        if names and (options.explain is None or all(map(_is_path, names))):
            return _elsewhere(names, options)
    if options.tree is not None:
        return _tree(options.tree, options)
    if options.check is not None:
        return _check(options.check, as_json)
    if options.module is not None:
        return _module(options.module, options.after, as_json)
    if options.list:
        return _list(as_json)
    if options.version:
        from nativeload import loader

        show(f"nativeload {loader.VERSION}")
        return FOUND
    return _explain(options.explain, as_json) if options.explain else _overview(as_json)


def _tree(paths: list[str], options: _Options) -> int:
    from nativeload import terminal
    from nativeload.treereport import Files, before

    files = Files(paths, options.root, before(options.after))
    if options.format == "json":
        report, well = files.json()
    elif options.format == "dot":
        report, well = files.dot(verbose=options.verbose)
    else:
        colour = terminal.is_coloured(sys.stdout, os.environ)
        report, well = files.text(verbose=options.verbose, colour=colour)
        report = terminal.encodable(report, sys.stdout.encoding)
    show(report)
    return FOUND if well else REFUSED


def _elsewhere(names: "Sequence[str]", options: _Options) -> int:
    from nativeload.platforms import command

    asked = options.platform, options.python, options.format
    if options.tree is not None:
        return command.tree(names, *asked, verbose=options.verbose)
    return command.check(names, *asked) if options.check is not None else command.explain(names, *asked)


def _module(name: str, after: list[str], as_json: bool) -> int:
    from nativeload import modulereport
    from nativeload.treereport import before

    report = modulereport.explain(name, before(after))
    show(json_text(report.to_dict()) if as_json else printable_lines(str(report)))
    return FOUND if report.status == "ok" else REFUSED


def _check(names: list[str], as_json: bool) -> int:
    from nativeload.check import command

    told = sys.stderr.isatty()
    try:
        report = command.check(names, command.shown if told else lambda _: None)
    finally:
        if told:
            command.hidden()
    show(json_text(report.to_dict()) if as_json else printable_lines(str(report)))
    return REFUSED if report.is_broken else FOUND


def _explain(names: list[str], as_json: bool) -> int:
    found = list(map(_explained, names))
    if as_json:
        facts = [one.to_dict() for one in found]
        show(json_text(facts[0] if len(facts) == 1 else facts))
    else:
        show(printable_lines("\n\n".join(map(str, found))))
    return FOUND if all(one.status == "found" for one in found) else REFUSED


def _is_path(name: str) -> bool:
    return "/" in name or os.sep in name


def _explained(name: str) -> "Explanation | FileReport":
    if _is_path(name):
        from nativeload import filereport

        return filereport.explain(name)
    from nativeload import explanation

    return explanation.explain(name)


def _overview(as_json: bool) -> int:
    from nativeload import overview

    facts = overview.overview()
    show(json_text(facts) if as_json else printable_lines(overview.text(facts)))
    return FOUND


def _list(as_json: bool) -> int:
    from nativeload import inventory, overview

    libraries = [one.to_dict() for one in inventory.provided()]
    if as_json:
        show(json_text({"version": 1, "libraries": libraries}))
    else:
        lines = map(overview.provided_line, libraries)
        show(printable_lines("\n".join(lines)) or "no installed distribution provides a library")
    return FOUND


def main() -> None:
    """The console script's entry."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed: `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    # A file's name may hold bytes that are no text; a report must not fail on them.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(_main())


if __name__ == "__main__":
    main()
