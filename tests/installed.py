"""What a released wheel is tested with, on each platform by the interpreter that it is installed for.

The C extension is there and imported, it reads this process, and the process's own libraries are found and refused as
they should be. Nothing here needs more than the wheel and what it depends on.
"""

from __future__ import annotations

import os
import sys

os.environ["NATIVELOAD_BACKEND"] = "c"  # an ImportError where the extension is missing

import nativeload
from nativeload import core


def main() -> None:
    images = core.linkmap()
    assert len(images) > 1, images
    assert images[0][0] == "", "the program is the first image"
    assert core.libc()[0] in ("glibc", "musl", "macos", "windows"), core.libc()
    if sys.platform != "linux":
        return  # the finders' way through there has not been shown yet
    assert nativeload.find_spec("no-such-library") is None
    found = nativeload.load("c")
    assert found.symbol("getpid"), found
    print(f"{len(images)} images, {found.path}")


if __name__ == "__main__":
    main()
