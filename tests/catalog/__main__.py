"""`python -m tests.catalog`: make `index.txt` and the page of the catalog anew from its data files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from catalog.made import INDEX, PAGE, index, page

if __name__ == "__main__":
    INDEX.write_text(index(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
