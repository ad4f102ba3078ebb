"""`python -m tests.examples [--write]`: each provider of docs/examples with each consumer, built and called.

With `--write`, what came of it goes into docs/explanation/back-ends-matrix.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import tempfile
import textwrap
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from integration import examples
from parts import PartError, wheel

PAGE = examples.EXAMPLES.parent / "explanation" / "back-ends-matrix.md"
HEAD = """# The back ends, tried

Each provider of `docs/examples/` with each consumer ([what they are](../how-to/build-with-each-back-end.md)): both
wheels built by their back ends, the consumer's against this provider's; installed in a new environment; the extension
imported and called. It names `libfoo.so.1` and has no rpath; without nativeload's line, the import fails.

```sh
python -m tests.examples --write
```

Each provider and each consumer once, and every [installer, layout and editable install](../how-to/install-anywhere.md)
of one pair, run with the tests.

"""


def tried(provider: str, consumer: str) -> str:
    """ "holds", or what does not."""
    with tempfile.TemporaryDirectory(prefix="nativeload-pair-") as scratch:
        try:
            examples.try_pair(provider, consumer, Path(scratch, "env"))
        except (AssertionError, PartError) as error:
            return " ".join(f"{error!r}".split())[:500]
    return "holds"


def page(results: dict[tuple[str, str], str]) -> str:
    """The page, of the results by (provider, consumer)."""
    held = sum(one == "holds" for one in results.values())
    versions = ", ".join(" ".join(wheel(one).name.split("-")[:2]) for one in examples.BUILDING)
    said = (
        f"Run on {datetime.date.today()}: {held} of {len(results)} pairs hold, on CPython {platform.python_version()}, "
        f"{' '.join(platform.libc_ver())}, {platform.machine()}, with {versions}."
    )
    lines = [
        textwrap.fill(said, 118),
        "",
        f"| provider, consumer: | {' | '.join(examples.CONSUMERS)} |",
        f"|---|{'---|' * len(examples.CONSUMERS)}",
    ]
    for provider in examples.PROVIDERS:
        cells = (results[provider, consumer] for consumer in examples.CONSUMERS)
        lines.append(f"| {provider} | {' | '.join(cells)} |")
    return HEAD + "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.examples", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    results = {}
    for provider in examples.PROVIDERS:
        for consumer in examples.CONSUMERS:
            results[provider, consumer] = result = tried(provider, consumer)
            print(provider, "|", consumer, "|", result, flush=True)
    if options.write:
        PAGE.write_text(page(results), encoding="utf-8")
    return int(any(one != "holds" for one in results.values()))


if __name__ == "__main__":
    sys.exit(main())
