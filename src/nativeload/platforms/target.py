"""What a platform tag and a version of Python come to: a file format, an architecture, and the Python's suffixes."""

from nativeload.errors import PlatformError
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    System = Literal["macos", "windows", "linux"]

_WINDOWS = {"win_amd64": "amd64", "win32": "x86", "win_arm64": "arm64"}
_MAC = {"arm64": ("arm64",), "x86_64": ("x86_64",), "universal2": ("arm64", "x86_64"), "intel": ("x86_64", "i386")}
_LINUX = {
    "x86_64": 62, "i686": 3, "aarch64": 183, "armv7l": 40, "ppc64le": 21, "s390x": 22, "riscv64": 243, "loongarch64": 258,
}  # fmt: skip


class Target(Record):
    """One platform: its system, an architecture as its linker names it, and Python's version, "" where any will do."""

    __slots__ = ("arch", "python", "system", "tag")
    system: "System"
    arch: str
    python: str
    tag: str

    @property
    def least(self) -> tuple[int, ...]:
        """The oldest macOS that the tag is for; none before 11 runs on arm64."""
        asked = tuple(map(int, self.tag.split("_")[1:3]))
        return max(asked, (11, 0)) if self.arch == "arm64" else asked

    @property
    def elf_machine(self) -> int:
        """The e_machine of its ELF files."""
        return _LINUX[self.arch]


def targets(tag: str, python: str) -> tuple[Target, ...]:
    """What a tag ("macosx_11_0_arm64", "win_amd64", several joined by ".") asks for. Raises PlatformError."""
    found = [one for part in tag.split(".") for one in _of(part, python)]
    unique = {(one.system, one.arch): one for one in reversed(found)}
    return tuple(sorted(unique.values(), key=lambda one: one.arch))


def own() -> tuple[str, str]:
    """(tag, Python's version) of this interpreter's platform."""
    import sys
    import sysconfig

    major, minor, *_ = sys.version_info
    return sysconfig.get_platform().replace("-", "_").replace(".", "_"), f"{major}.{minor}"


def of_wheel(name: str, python: str) -> tuple[str, str]:
    """(platform tag, Python's version) of a wheel's file name; `python` where that names none. Raises PlatformError."""
    parts = name.removesuffix(".whl").split("-")
    if len(parts) not in (5, 6):
        raise PlatformError(name, "is not named as a wheel is")
    tag = parts[-3].split(".")[0]
    own = f"{tag[2]}.{tag[3:]}" if tag[:2] == "cp" and tag[2:3].isdigit() and tag[3:].isdigit() else ""
    return parts[-1], python or own


def _of(tag: str, python: str) -> list[Target]:
    if tag in _WINDOWS:
        return [Target(system="windows", arch=_WINDOWS[tag], python=python, tag=tag)]
    if tag.startswith("macosx_"):
        if not all(one.isascii() and one.isdigit() for one in tag.split("_")[1:3]):
            return _refuse(tag)
        arch = tag.split("_", 3)[-1]
        return [Target(system="macos", arch=one, python=python, tag=tag) for one in _MAC.get(arch, ())] or _refuse(tag)
    if tag.startswith(("manylinux", "musllinux", "linux_")):
        for arch in _LINUX:
            if tag.endswith(f"_{arch}"):
                return [Target(system="linux", arch=arch, python=python, tag=tag)]
    return _refuse(tag)


def _refuse(tag: str) -> "list[Target]":
    raise PlatformError(tag, "is no platform that is known here")
