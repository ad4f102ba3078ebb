"""How these pages become a site: `nox -f tests/noxfile.py -s pages`, which fails at any warning.

The pages are plain Markdown, and their source directory is the checkout: so links to SECURITY.md and the like lead
where they lead in an editor. Nothing here is needed to read them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "nativeload"
author = "The nativeload developers"
root_doc = "docs/index"
include_patterns = ["docs/**", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = "nativeload"
html_copy_source = False


def add_contents(_: Sphinx, page: str, source: list[str]) -> None:
    """Give the index the table of contents that its own links are, a part for each of its headings.

    A toctree in the page would be code to whoever reads it as it is.
    """
    if page == root_doc:
        for part in re.split(r"^## ", source[0], flags=re.MULTILINE)[1:]:
            links = re.findall(r"\[[^\]]+\]\(([^)#]+)\.md\)", part)
            lines = ["```{toctree}", ":hidden:", f":caption: {part.splitlines()[0]}", "", *links, "```"]
            source[0] += "\n\n" + "\n".join(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", add_contents)
    return {"parallel_read_safe": True}
