"""Uses libfoo of another wheel, from Rust."""

import nativeload

nativeload.load("foo>=1.2,<2")  # before what is linked with it

from bar._bar import lib  # noqa: E402

ask = lib.ask
