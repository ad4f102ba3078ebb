"""`--preferences`: every choice of a library, where it is written, and whether it counts."""

from nativeload import overview
from nativeload.terminal import json_text, printable_lines, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: "Sequence[str]") -> int:
    """Print every choice, where it is written and whether it counts; then the files. Exit status 0."""
    import argparse

    from nativeload.__main__ import _formatter

    parser = argparse.ArgumentParser(
        prog="nativeload --preferences",
        description="List what is chosen for libraries, where that is written, and what of it counts.",
        formatter_class=_formatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    as_json = parser.parse_args(arguments).json
    chosen, files = overview.overrides(), overview.configuration()
    if as_json:
        show(json_text({"version": 1, "preferences": chosen, "files": files}))
    else:
        lines = [f"{one['level'] or '':<12} {overview.override_line(one)}" for one in chosen] or ["nothing is chosen"]
        lines += ["", *(f"{one['whose']:<12} {one['file']}: {one['state']}" for one in files)]
        show(printable_lines("\n".join(lines)))
    return 0
