"""`--host`: what this machine gives a library, as a person or a program reads it."""

from nativeload import host
from nativeload.terminal import json_text, printable_lines, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_WIDTH = 100


def main(arguments: "Sequence[str]") -> int:
    """Print it. Exit status 0."""
    import argparse

    from nativeload.__main__ import _formatter

    parser = argparse.ArgumentParser(
        prog="nativeload --host",
        description="Say what this machine gives a library: system, C library, CPU, the NVIDIA driver's CUDA version. "
        "Maps the driver's library, and runs the entry points nativeload.features.",
        formatter_class=_formatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    facts = host.report()
    show(json_text(facts) if options.json else printable_lines(text(facts)))
    return 0


def text(facts: "dict[str, Any]") -> str:
    """The report for a person: the features that are simply there share lines."""
    here, cpu, cuda = facts["os"], facts["cpu"], facts["cuda"]
    level = f"x86-64-v{cpu['level']}, " if cpu["level"] else ""
    lines = [
        f"system   {here['name']} {here['release']}, {here['machine']}",
        f"libc     {facts['libc']['name']} {facts['libc']['version']}".rstrip(),
        f"cpu      {level}{len(cpu['features'])} features",
        f"cuda     {cuda['version']} ({cuda['driver']})" if cuda["version"] else f"cuda     {cuda['problem']}",
        "",
    ]
    there = [one.rpartition(" :: ") for one in facts["features"]]
    lines += [f"{name} :: {value}" for name, _, value in there if value != "on"]
    for namespace in dict.fromkeys(name.partition(" :: ")[0] for name, _, value in there if value == "on"):
        names = [n.partition(" :: ")[2] for n, _, v in there if v == "on" and n.startswith(f"{namespace} :: ")]
        lines += [f"{namespace} :: … :: on", *_wrapped(names)]
    return "\n".join([*lines, *(f"problem: {problem}" for problem in facts["problems"])])


def _wrapped(words: list[str]) -> list[str]:
    lines = [""]
    for word in words:
        if len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else f"  {word}"
    return lines
