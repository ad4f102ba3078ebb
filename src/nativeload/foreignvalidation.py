"""What is wrong with a library of macOS or Windows in a provider's wheel for it; `validation` asks, for each file."""

from nativeload.linkers import windows
from nativeload.pack import foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nativeload.validation import Severity

    Said = tuple[str, str, Severity]  # kind, sentence, severity

_SYSTEMS = {"win": "windows", "macosx": "macos"}


def system_of(tags: "Sequence[str]") -> str:
    """The system that a wheel's tags are for: "windows", "macos", else "linux"."""
    platforms = [tag.rpartition("-")[2] for tag in tags]
    return next((_SYSTEMS[begin] for one in platforms for begin in _SYSTEMS if one.startswith(begin)), "linux")


def judged(path: str, tags: "Sequence[str]", there: "Iterable[str]", *, requires: bool) -> "Iterator[Said]":
    """What is wrong with a file in a wheel of these tags, whose libraries others need as `there`.

    `requires` says whether the wheel requires others. Raises OSError, ValueError, ReaderError for what cannot be read.
    """
    one = foreign.read(path)
    if one.kind != "dylib":
        yield "format", f"is not a shared library but of the kind {one.kind}", "error"
        return
    if one.system == "macos" and one.install_name != f"@rpath/{one.soname}":
        yield "install-name", f"has the install name {one.install_name or 'none'}", "error"
    for rpath in one.rpaths:
        if not foreign.stays(rpath):
            yield "rpath", f"has the rpath {rpath}, which leads out of the wheel", "warning"
    for tag in tags:
        platform = tag.rpartition("-")[2]
        if platform == "any":
            yield (
                "tag",
                f"is {one.system}'s, for {' and '.join(one.archs)}, in a wheel for any platform ({tag})",
                "error",
            )
        elif not _is_for(one, platform):
            yield "machine", f"is {one.system}'s, for {' and '.join(one.archs)}, in a wheel for {platform}", "error"
        elif one.system == "macos" and one.least > _least_of(platform):
            least = ".".join(map(str, one.least))
            yield (
                "machine",
                f"is built for macOS {least}, in a wheel for {platform}; dyld maps it all the same",
                "warning",
            )
    for name in foreign.lacking(one, there):
        optional = requires or windows.is_redistributable(name)
        other = "; what it requires may bring it" if requires else "; most machines have it" if optional else ""
        detail = f"needs {name}, which is not in the wheel, and not every system has it{other}"
        yield "dependency", detail, "warning" if optional else "error"


def _is_for(one: foreign.Foreign, platform: str) -> bool:
    """Whether a library runs where a wheel of this platform is installed."""
    if one.system == "windows":
        return foreign.tag_of(one) == platform
    arch = platform.split("_", 3)[-1]
    needed = ("arm64", "x86_64") if arch == "universal2" else (arch,)
    return platform.startswith("macosx_") and set(needed) <= set(one.archs)


def _least_of(platform: str) -> tuple[int, int]:
    major, minor = (int(part) if part.isdecimal() and len(part) < 10 else 0 for part in platform.split("_")[1:3])
    return major, minor
