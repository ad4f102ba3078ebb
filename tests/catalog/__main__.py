"""`python -m tests.catalog`: make `index.txt` and the page of the catalog anew from its data files.

`python -m tests.catalog matrix [--large] [--write] [LIBRARY|PACKAGE …]` installs, loads and calls each library of the
catalog, from each of its wheels and Debian packages; it fetches gigabytes. `--rows FILE` keeps what came of it as JSON,
and takes from there what was run before.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from catalog import made, matrix


def _matrix(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.catalog matrix", description=matrix.__doc__)
    parser.add_argument("name", nargs="*", metavar="LIBRARY|PACKAGE", help="only these")
    parser.add_argument("--large", action="store_true", help="also wheels of more than 150 MB")
    parser.add_argument("--driver", default="", metavar="DIR", help="where libcuda.so.1 is, on a machine that has none")
    parser.add_argument("--kind", choices=("wheel", "deb"), help="only wheels, or only Debian packages")
    parser.add_argument("--rows", type=Path, help="a file of JSON lines to which the results are added")
    parser.add_argument("--write", action="store_true", help="put what is in --rows into docs/explanation")
    options = parser.parse_args(arguments)
    if options.write:
        known = {case.key for case in matrix.cases()}
        made.MATRIX.write_text(made.matrix_page(options.rows.read_text().splitlines(), known), encoding="utf-8")
        return 0
    from integration.projects import python_path

    bad = 0
    limit = 1 << 60 if options.large else matrix.LIMIT
    kinds = {options.kind} if options.kind else {"wheel", "deb"}
    for row in matrix.rows(set(options.name), kinds, limit, python_path(), options.driver):
        bad += bool(row.wrong)
        result = row.wrong or (f"refused: {row.refused}" if row.refused else "holds")
        print(row.case.library, "|", row.package, "|", row.told, "|", row.abi, "|", result, flush=True)
        if options.rows:
            kept = {**dataclasses.asdict(row), "case": row.case.key}
            with open(options.rows, "a", encoding="utf-8") as file:
                file.write(json.dumps(kept) + "\n")
    return int(bad > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["matrix"]:
        sys.exit(_matrix(sys.argv[2:]))
    made.INDEX.write_text(made.index(), encoding="utf-8")
    made.PAGE.write_text(made.page(), encoding="utf-8")
