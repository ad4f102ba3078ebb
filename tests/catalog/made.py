"""What is made of the catalog's data files: the index by which a name is looked up, and the page of the documentation."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nativeload

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(str(nativeload.__file__)).parent / "catalog"
INDEX = DATA / "index.txt"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "catalog.md"
MATRIX = PAGE.parents[1] / "explanation" / "catalog-matrix.md"
COMMANDS = {
    "pip": "pip install",
    "conda-forge": "conda install -c conda-forge",
    "apt": "apt install",
    "dnf": "dnf install",
    "brew": "brew install",
    "winget": "winget install",
}


def families() -> dict[str, dict[str, dict[str, Any]]]:
    """{family: {library: its table}}, as `tomllib` reads the data files."""
    return {file.stem: tomllib.loads(file.read_text("utf-8"))["library"] for file in sorted(DATA.glob("*.toml"))}


def normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def index() -> str:
    """`index.txt`: names, then what leads to libraries: "=" sonames and files of wheels, "@" distributions, "%" virtual names, "&" sets."""
    lines: list[str] = []
    reverse: dict[str, list[str]] = {}
    for family, libraries in families().items():
        for library, table in libraries.items():
            lines += [f"{normal(name)} {family} {library}" for name in (library, *table.get("names", ()))]
            keys = [f"={one}" for one in table["sonames"]]
            files = [(one.get("path") or one["data"]).rpartition("/")[2] for one in table.get("wheel", ())]
            keys += [f"={one}" for one in files if "{soversion}" not in one]
            keys += [f"@{normal(one['distribution'])}" for one in table.get("wheel", ())]
            keys += [f"%{one}" for one in table.get("virtual", ())]
            keys += [f"&{table['set']}"] if "set" in table else []
            for key in dict.fromkeys(keys):
                reverse.setdefault(key, []).append(library)
    lines += [f"{key} {' '.join(names)}" for key, names in sorted(reverse.items())]
    return "\n".join(lines) + "\n"


HEAD = """# The libraries that are known

What nativeload knows of libraries that exist in the world, without any declaration by those who ship them. This page is
made of the data files in `src/nativeload/catalog/`, one per family; a change there is followed by

```sh
python -m tests.catalog
```

Every path in a wheel was read in the wheel's `RECORD`, every soname in its files' headers; names on macOS and Windows are
those of files in wheels for these systems, and missing where no wheel was seen to have one. `apt` packages are those of
Debian 12 where no other release is named. The packages of `pip` and `apt` are [installed and tried](../explanation/catalog-matrix.md).
Those of the others are only names that were looked up:

How to add a library of your own: [nativeload's data files](catalog-files.md).

"""


def page() -> str:
    """`docs/reference/catalog.md`."""
    found = families()
    virtual: dict[str, list[str]] = {}
    for libraries in found.values():
        for library, table in libraries.items():
            for one in table.get("virtual", ()):
                virtual.setdefault(one, []).append(library)
    before, mark, after = HEAD.partition("How to add ")
    text = before + "".join(f"- {line}\n" for line in _looked_up()) + f"\n{mark}{after}"
    text += f"{sum(map(len, found.values()))} libraries in {len(found)} families.\n"
    if virtual:
        text += "\n## Virtual names\n\n| name | implemented by, in the default order |\n|---|---|\n"
        text += "".join(f"| `{one}` | {_code(names)} |\n" for one, names in sorted(virtual.items()))
    for family, libraries in found.items():
        text += f"\n## {family}\n"
        for library, table in libraries.items():
            text += f"\n### `{library}`\n\n{table['summary']}.\n\n" + "".join(f"- {line}\n" for line in _facts(table))
    return text


def looked_up() -> dict[str, list[dict[str, Any]]]:
    """{installer: [where names were looked up, and which]}, of those that cannot be run where the tests run."""
    return tomllib.loads((Path(__file__).parent / "looked_up.toml").read_text("utf-8"))


def _looked_up() -> Iterator[str]:
    for installer, places in looked_up().items():
        for place in places:
            names = place["names"]
            yield f"`{installer}`: " + (f"{len(names)} in {place['in']}" if place["in"] else f"nowhere {_code(names)}")


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _facts(table: dict[str, Any]) -> Iterator[str]:
    called = {"names": "also asked for as", "sonames": "Linux", "macos": "macOS", "windows": "Windows"}
    called |= {"virtual": "implements", "depends": "needs", "homes": "looked for last in", "pep725": "PEP 725"}
    for key, words in called.items():
        if table.get(key):
            yield f"{words}: {_code(table[key])}"
    if "set" in table:
        yield f"comes from one origin with all of the set `{table['set']}`"
    for wheel in table.get("wheel", ()):
        place = wheel.get("path") or f"PREFIX/{wheel['data']}"
        others = [
            f"{system}: `{wheel[key]}`" for key, system in (("macos", "macOS"), ("windows", "Windows")) if key in wheel
        ]
        features = f" [{', '.join(wheel['abi'])}]" if "abi" in wheel else ""
        yield f"wheel `{wheel['distribution']}`{features}: `{place}`" + "".join(f"; {one}" for one in others)
    for rule in table.get("abi", ()):
        where = f" in `{rule['soname']}`" if "soname" in rule else ""
        yield f"a file with `{rule['symbol']}`{where} has {_code(rule['features'])}"
    if "version-symbol" in table:
        yield f"tells its version, once loaded, by `{table['version-symbol']}`"
    for installer, packages in table.get("install", {}).items():
        command = COMMANDS.get(installer)
        release = "" if command else f" ({installer.replace('-', ' ')})"
        yield f"`{command or 'apt install'} {' '.join(packages)}`{release}"


MATRIX_HEAD = """# The catalog, tried

Each library of [the catalog](../reference/catalog.md), from each of its wheels and Debian 12 packages: installed in a new
environment (or unpacked into a directory), loaded by its name, called, and what nativeload says of its version and ABI
features compared with what the library and its package say. In the column "told": the version that the library's own
function tells; "called", where it has none and another of its functions was called; "a symbol read", where none can be
called without a device, another process or C++.

```sh
python -m tests.catalog matrix --large --rows rows.jsonl
python -m tests.catalog matrix --write --rows rows.jsonl
```

Without `--large`, wheels of more than 150 MB are left out. A dozen of it runs with
[the tests](../../tests/integration/test_catalog_matrix.py). What a wheel's library depends on and no wheel has
(`libgfortran.so.5`) comes from Debian. `--driver DIR` gives a machine without a GPU NVIDIA's driver library, from Debian's
`libcuda1`: with that of driver 550, which gives CUDA 12.4, the libraries of CUDA 12 that need it were loaded. "Refused" is
what the linker refuses too, or what has no wheel for such a machine.

"""


TITLES = {"wheel": "Wheels", "deb": "Debian packages"}


def tried() -> dict[tuple[str, str, str], list[str]]:
    """{(kind, library, packages): the cells of its row} of `docs/explanation/catalog-matrix.md`."""
    found: dict[tuple[str, str, str], list[str]] = {}
    kind = ""
    for line in MATRIX.read_text("utf-8").splitlines():
        kind = next((one for one, title in TITLES.items() if line == f"## {title}"), kind)
        if line.startswith("| `"):
            cells = [cell.replace("\\|", "|") for cell in re.split(r" ?(?<!\\)\| ?", line)[1:-1]]
            package, _, version = cells[1].rpartition(" ")
            found[kind, cells[0].strip("`"), package or version] = cells
    return found


def matrix_page(lines: list[str], known: set[tuple[str, str, str]]) -> str:
    """`docs/explanation/catalog-matrix.md`: the latest result of each case, those that were not run again as they were.

    `known` are the cases there are; rows of others go.
    """
    rows = tried()
    for row in map(json.loads, lines):
        result = row["wrong"] or (f"refused: {row['refused']}" if row.get("refused") else "holds")
        kind, library, packages = row["case"]
        cells = [f"`{library}`", row["package"], row["version"], row["told"], row["abi"], result]
        rows[kind, library, packages] = cells
    rows = {case: cells for case, cells in sorted(rows.items()) if case in known}
    hold, refused = (sum(cells[-1].startswith(one) for cells in rows.values()) for one in ("holds", "refused: "))
    text = f"{MATRIX_HEAD}{len(rows)} cases, the last run on {datetime.date.today()}: {hold} hold; {refused} are refused, and "
    text += f"cannot be loaded on that machine by anyone; {len(rows) - hold - refused} do not hold.\n"
    for kind, title in TITLES.items():
        text += f"\n## {title}\n\n| library | package | version | told | ABI | result |\n|---|---|---|---|---|---|\n"
        for (one, _, _), cells in rows.items():
            if one == kind:
                text += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    return text
