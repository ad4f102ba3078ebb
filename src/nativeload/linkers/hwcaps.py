"""What glibc calls this CPU, and the subdirectories that it therefore looks into (elf/dl-hwcaps.c)."""

from nativeload import core

EM_386, EM_X86_64 = 3, 62
_PLATFORMS = {EM_386: "i686", EM_X86_64: "x86_64", 183: "aarch64"}
_platforms: dict[int, str] = {}


def subdirectories(machine: int, hwcaps: list[str], version: str) -> list[str]:
    """What a version of glibc looks into below each directory of a search before the directory itself, in order."""
    named = [f"glibc-hwcaps/{name}" for name in hwcaps]
    if machine not in (EM_386, EM_X86_64) or [int(part) for part in version.split(".")[:2]] >= [2, 37]:
        return named
    # Until then: every subset of these names, the fullest first.
    names = ["tls", platform(machine), "x86_64" if machine == EM_X86_64 else "sse2"]
    if names[1] == "haswell" and core.isa_level() > 3:
        names.insert(2, "avx512_1")
    bits = range(len(names) - 1, -1, -1)
    subsets = range(2 ** len(names) - 1, 0, -1)
    legacy = ["/".join(name for bit, name in zip(bits, names, strict=True) if subset >> bit & 1) for subset in subsets]
    return list(dict.fromkeys(named + legacy))


def platform(machine: int) -> str:
    """What $PLATFORM stands for: AT_PLATFORM, and on an Intel what glibc calls it (sysdeps/x86/cpu-features.c)."""
    if machine not in _platforms:
        haswell = machine == EM_X86_64 and core.isa_level() > 2 and _is_intel()
        _platforms[machine] = "haswell" if haswell else _PLATFORMS.get(machine, "")
    return _platforms[machine]


def _is_intel() -> bool:
    try:
        with open("/proc/cpuinfo", "rb", buffering=0) as file:
            return b"GenuineIntel" in file.read(200)
    except OSError:
        return False
