"""What a search asks of macOS and Windows: names of files, places, facts and the verdict. Linux imports none of it.

`here` is the system of this process. The finders, the chain and the errors are the same everywhere; where they come to
something that only an ELF file or Linux's linkers have, they ask `nativeload.loader.SYSTEM`, which is that, or None.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.systems.system import System


def here() -> "System":
    """The system of this process, which is not Linux."""
    if sys.platform == "win32":
        from nativeload.systems.windows import Windows

        return Windows()
    from nativeload.systems.macos import MacOS

    return MacOS()
