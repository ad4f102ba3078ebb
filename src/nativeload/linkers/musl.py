"""musl's dynamic linker for any file, on this system or below another root (ldso/dynlink.c)."""

import os

from nativeload import core, images, roots
from nativeload.linkers import Rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from nativeload.images import Image

_ARCHITECTURES = {3: "i386", 21: "powerpc64le", 22: "s390x", 40: "armhf", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
_DEFAULT = "/lib:/usr/local/lib:/usr/lib"


def rules(image: "Image", origin: str, environ: "Mapping[str, str]", root: str, *, secure: bool = False) -> Rules:  # noqa: ARG001
    """As `nativeload.linkers.glibc.rules`: musl has no cache, no subdirectories, and no tokens in the environment."""
    own = image.interp or _usual(image, root)
    return Rules(
        musl=True,
        wide=image.elf_class == 64,
        big=image.byteorder == "big",
        machine=image.machine,
        secure=secure,
        release=0,
        library_path=() if secure else _items(environ.get("LD_LIBRARY_PATH", "")),
        default=_items(_listed(own, image.machine, root)),
        subdirectories=(),
        hwcaps=(),
        program_rpath=(),
        lib="lib",
        platform="",
        own=own,
        cache=b"",
        cache_flags=0,
        root=root,
    )


def _usual(image: "Image", root: str) -> str:
    """The linker of who loads a library: this process's where it is musl's, wherever that is."""
    here = images.process()
    if not root and core.libc()[0] == "musl" and image.same_kind(here) and here.interp:
        return here.interp
    return f"/lib/ld-musl-{_ARCHITECTURES.get(image.machine, 'unknown')}.so.1"


def _listed(own: str, machine: int, root: str) -> str:
    """What the path file has, which counts though it is empty, or is one that cannot be read."""
    # /lib/ld-musl-x86_64.so.1 reads /etc/ld-musl-x86_64.path, and /prefix/any/… reads /prefix/etc/…
    prefix = os.path.dirname(os.path.dirname(own)).rstrip("/")
    path = f"{prefix}/etc/ld-musl-{_ARCHITECTURES.get(machine, '')}.path"
    try:
        os.stat(roots.inside(root, path))
    except FileNotFoundError:
        return _DEFAULT
    except OSError:
        return ""
    return os.fsdecode(roots.read(root, path, 1 << 20))


def _items(path: str) -> tuple[str, ...]:
    return tuple(item for item in path.replace("\n", ":").split(":") if item)
