"""Uses libfoo of another wheel."""

import nativeload

nativeload.load("foo>=1.2,<2")  # before what is linked with it

from bar._bar import ask  # noqa: E402

__all__ = ["ask"]
