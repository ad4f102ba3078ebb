"""The platform tag that libraries earn by what they need, from auditwheel's policies; auditwheel is imported here only.

A policy (PEP 600's manylinux, PEP 656's musllinux) names the libraries that every such system has, and of each the
symbol versions. The facts of the files are nativeload's own, so libraries of other machines are judged too.
"""

from nativeload import core
from nativeload.errors import ImageError
from nativeload.pack.problems import NotPackedError, Problem, raise_if
from nativeload.resolver import Resolver
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from typing import Any

    from nativeload.images import Image
    from nativeload.pack.libraries import Library

# (e_machine, class, byte order) of the machines that have policies; elf.h's numbers
MACHINES = {
    (3, 32, "little"): "i686",
    (21, 64, "big"): "ppc64",
    (21, 64, "little"): "ppc64le",
    (22, 64, "big"): "s390x",
    (40, 32, "little"): "armv7l",
    (62, 64, "little"): "x86_64",
    (183, 64, "little"): "aarch64",
    (243, 64, "little"): "riscv64",
    (258, 64, "little"): "loongarch64",
}
# No policy lists them: the linker is there if anything is.
_LINKERS = ("ld-linux", "ld64.so.")


class Platform(Record):
    """A platform tag, and what is to be known of it, "" for nothing: why it is no better than "linux_…"."""

    __slots__ = ("note", "tag")
    tag: str
    note: str


def platform(libraries: "Sequence[Library]", elsewhere: "Container[str]") -> Platform:
    """The tag of a wheel with these libraries; `elsewhere` are the sonames that required distributions bring.

    It is the policy for the oldest systems of which every library is content. Raises NotPackedError where a library
    needs one that is neither in the wheel, nor required, nor in any policy; and without auditwheel.
    """
    libc = next((one.image.libc for one in libraries if one.image.libc), core.libc()[0])
    policies = policies_of(libraries[0].path, libraries[0].image, libc)
    *strict, linux = sorted(policies, key=lambda policy: -policy.priority)
    own = {one.soname for one in libraries}
    needed = {
        one.soname: [n for n in one.image.needed if n not in own and n not in elsewhere and not n.startswith(_LINKERS)]
        for one in libraries
    }
    raise_if(_missing(libraries, needed, {name for policy in strict for name in policy.whitelist}))
    note = ""
    for policy in strict:
        reasons = [reason for one in libraries for reason in _against(policy, one, needed[one.soname])]
        if not reasons:
            return Platform(tag=policy.name, note="")
        note = reasons[0]
    return Platform(tag=linux.name, note=f"{note}: this wheel can be installed, but an index will not take it")


def policies_of(path: str, image: "Image", libc: str) -> "Any":
    """auditwheel's policies for the machine of a library and a C library. Raises NotPackedError where there are none."""
    try:
        from auditwheel.architecture import Architecture
        from auditwheel.libc import Libc
        from auditwheel.policy import WheelPolicies
    except ImportError:
        reason = "is not installed, or older than 6.4; the platform tag is told by its policies"
        remedy = "pip install 'nativeload[pack]'"
        raise NotPackedError([Problem(subject="auditwheel", reason=reason, remedy=remedy)]) from None
    machine = MACHINES.get((image.machine, image.elf_class, image.byteorder))
    if machine is None:
        reason = f"is of a machine (ELF{image.elf_class}, {image.machine}) that no wheel is tagged for"
        raise NotPackedError([Problem(subject=path, reason=reason, remedy="install it by other means")])
    return WheelPolicies(libc=Libc[libc.upper()], arch=Architecture(machine))


def _missing(
    libraries: "Sequence[Library]", needed: dict[str, list[str]], allowed: "Container[str]"
) -> "Iterator[Problem]":
    for one in libraries:
        for name in needed[one.soname]:
            if name not in allowed:
                yield Problem(
                    subject=one.path,
                    reason=f"needs {name}, which is not in the wheel, and no policy lets a wheel expect it of a system",
                    remedy=f"give {name} too, or --requires the distribution that ships it, or link it statically",
                )


def _against(policy: "Any", library: "Library", needed: list[str]) -> "Iterator[str]":
    """Why a policy does not admit a library."""
    path, image = library.path, library.image
    for name in needed:
        if name not in policy.whitelist:
            yield f"{path} needs {name}, which {policy.name} does not list"
    for name, versions in image.verneed:
        # What is versioned otherwise ("FOO_1") is no policy's matter.
        parts = [version.partition("_") for version, _ in versions if not name.startswith(_LINKERS)]
        lacking = ["".join(part) for part in parts if part[2] not in policy.symbol_versions.get(part[0], {part[2]})]
        if lacking:
            yield f"{path} needs {', '.join(lacking)} of {name}, which {policy.name} does not have"
    private = {name: symbols for name, symbols in policy.blacklist.items() if name in image.needed}
    if private:
        used = _undefined(library)
        for name, symbols in private.items():
            for symbol in sorted(symbols & used):
                yield f"{path} uses {symbol}, which is private to {name} on some systems of {policy.name}"
    if image.isa_needed > 1:
        yield f"{path} needs a CPU of level x86-64-v{image.isa_needed}, which no policy promises"


def _undefined(library: "Library") -> set[str]:
    """The symbols that a library takes from others."""
    try:
        _, walker = Resolver().walker(library.path, library.image)
        return {name for name, weak in core.undefined(walker, library.path, ()) if not weak}
    except (OSError, ValueError) as error:
        raise ImageError(library.path, str(error)) from None
