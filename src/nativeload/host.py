"""What this machine gives a library: C library, CPU, system, the NVIDIA driver's CUDA version. No process is started.

Told as properties (`properties`) in the vocabulary of the wheel-variant proposals: `x86_64 :: level :: v3`,
`x86_64 :: avx512_bf16 :: on`, `aarch64 :: sve :: on`, `nvidia :: cuda_version_lower_bound :: 12.8`. What they have no
word for has a namespace of ours: `os`, `libc`.
"""

import os
import sys

from nativeload import core
from nativeload.loader import machine
from nativeload.properties import Property, parse, told
from nativeload.spec import rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from nativeload.spec import Rejection, Trace

_CPUS = ("x86_64", "aarch64")
_OURS = (*_CPUS, "os", "libc")  # namespaces whose features nobody else tells
_CUDA = "cuda_version_lower_bound"
# What Linux calls otherwise than the vocabulary, which is archspec's.
_NAMES = {"pni": "sse3"}
# The bits of AT_HWCAP and AT_HWCAP2 on aarch64, as /proc/cpuinfo calls them (asm/hwcap.h).
_HWCAPS = {
    16: """fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 sm3
    sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg gcs cmpbr fprcvt f8mm8 f8mm4 svef16mm
    sveeltperm sveaes2 svebfscale sve2p2 sme2p2 smesbitperm smeaes smesfexpa smestmop smesmop4""",
    26: """dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm svebf16 i8mm bf16
    dgh rng bti mte ecv afp rpres mte3 sme smei16i64 smef64f64 smei8i32 smef16f32 smeb16f32 smef32f32 smefa64 wfxt ebf16
    sveebf16 cssc rprfm sve2p1 sme2 sme2p1 smei16i32 smebi32i32 smeb16b16 smef16f16 mops hbc sveb16b16 lrcpc3 lse128 fpmr
    lut faminmax f8cvt f8fma f8dp4 f8dp2 f8e4m3 f8e5m2 smelutv2 smef8f16 smef8f32 smesf8fma smesf8dp4 smesf8dp2 poe""",
}


def libc() -> tuple[str, str]:
    """The C library of this process and its version: ("glibc", "2.36"), ("musl", "1.2.3")."""
    return core.libc()


def cpu_level() -> int:
    """The x86-64 level, 1 to 4, that this CPU and kernel support (the x86-64 psABI); 0 on another machine."""
    return core.isa_level()


def cpu_features() -> tuple[str, ...]:
    """The CPU's features as Linux names them in `/proc/cpuinfo`, sorted; those the kernel saves the registers of."""
    aarch64 = machine() == "aarch64"
    try:
        # Not cpuinfo's text where there are bits: an emulator of user programs shows its own machine's.
        with open("/proc/self/auxv" if aarch64 else "/proc/cpuinfo", "rb") as file:
            content = file.read()
    except OSError:  # no /proc
        return ()
    return tuple(sorted(_of_hwcaps(content) if aarch64 else _of_cpuinfo(content.decode("ascii", "replace"))))


def _of_hwcaps(auxv: bytes) -> "Iterator[str]":
    """The features that the auxiliary vector tells on aarch64 (Linux, Documentation/arch/arm64/elf_hwcaps.rst)."""
    for at in range(0, len(auxv) - 15, 16):
        kind, bits = (int.from_bytes(auxv[place : place + 8], sys.byteorder) for place in (at, at + 8))
        for bit, name in enumerate(_HWCAPS.get(kind, "").split()):
            if bits >> bit & 1:
                yield name


def _of_cpuinfo(text: str) -> set[str]:
    """The flags of the first CPU of x86."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return {_NAMES.get(name, name) for name in value.split()}
    return set()


def cuda_version() -> str | None:
    """The CUDA version of this machine's NVIDIA driver, None where there is no usable driver: maps its library."""
    from nativeload.driver import driver

    version = driver().version
    return version and ".".join(map(str, version))


def features() -> tuple[str, ...]:
    """Every property of this machine, the most that it supports: "x86_64 :: level :: v3" says v2 and v1 too.

    Maps the NVIDIA driver's library where there is one, and runs the entry points `nativeload.features`; what is
    wrong with one of them shows in `python -m nativeload --host`.
    """
    from nativeload.driver import driver

    return tuple(map(str, (*_own(driver().version), *_foreign(told()[0]))))


def supports(text: str, trace: "Trace | None" = None) -> bool | None:
    """Whether this machine has a property; None where nobody can tell: of an unknown namespace, without a driver.

    Raises ValueError for what is no property. May map the driver's library or run an entry point, as `features` does.
    `trace` is told of what the answer rests on.
    """
    return _judged(parse(text), trace)[0]


def refusal(texts: "Iterable[str]", trace: "Trace | None" = None) -> "Rejection | None":
    """Why a build that needs these properties will not do here; None where it will, or where nobody can tell.

    Of several values of one feature, one is enough (PEP 825, "Variant properties"). Raises ValueError.
    """
    groups: dict[tuple[str, str], list[Property]] = {}
    for wanted in map(parse, texts):
        groups.setdefault((wanted.namespace, wanted.feature), []).append(wanted)
    for group in groups.values():
        verdicts = [(one, *_judged(one, trace)) for one in group]
        if all(verdict is False for _, verdict, _ in verdicts):
            wanted, _, here = verdicts[0]
            return rejection("host", f"needs {_words(wanted)}; {here}", property=str(wanted), here=here)
    return None


def _judged(wanted: Property, trace: "Trace | None") -> tuple[bool | None, str]:
    """Whether this machine has a property, and what it has instead, in words."""
    here = machine()
    if wanted.namespace in _CPUS and wanted.namespace != here:
        return False, f"this machine is {here}"
    bound = wanted.feature.replace("_upper_bound", "_lower_bound")
    if wanted.namespace == "nvidia" and bound == _CUDA:
        values, words = _of_the_driver(trace)
    else:
        values, words = _values(wanted.namespace, bound, trace)
    if not values:
        return (False, words) if wanted.namespace in _CPUS else (None, words)
    if not bound.endswith("_lower_bound"):
        return wanted.value in values, words
    enough = _number(values[0]) >= _number(wanted.value)
    return enough == (bound == wanted.feature), words


def _values(namespace: str, feature: str, trace: "Trace | None") -> tuple[list[str], str]:
    """The values of a feature that are known to be here, and the same in words."""
    if (namespace, feature) == ("x86_64", "level"):
        level = core.isa_level()
        return [f"v{one}" for one in range(1, level + 1)], f"this one is x86-64-v{level}"
    if trace is not None:
        # The key of an answer does not have it, a home may be several machines', and code of others changes its mind.
        trace.lasting = False
    known = _own(None) if namespace in _OURS else told(namespace)[0]
    values = [one.value for one in known if (one.namespace, one.feature) == (namespace, feature)]
    return values, f"this machine has {', '.join(values) or 'not'}"


def _of_the_driver(trace: "Trace | None") -> tuple[list[str], str]:
    from nativeload.driver import driver

    here = driver(trace)
    version = here.version and ".".join(map(str, here.version))
    return [version] if version else [], f"the NVIDIA driver here ({here.path}) gives CUDA {version}"


def _number(version: str) -> tuple[int, ...]:
    """A version as it is compared; what follows its numbers does not count."""
    parts = version.split(".")
    return tuple(int(part) for part in parts if part.isdecimal() and len(part) < 10)


def _words(wanted: Property) -> str:
    said = {
        "cuda_version_lower_bound": f"CUDA {wanted.value} or newer",
        "cuda_version_upper_bound": f"a CUDA older than {wanted.value}",
        "level": f"a CPU of level x86-64-{wanted.value}",
    }
    default = f"a CPU with {wanted.feature}" if wanted.namespace in _CPUS else str(wanted)
    return said.get(wanted.feature, default)


def _own(cuda: tuple[int, int] | None) -> list[Property]:
    """What is known without anybody's code."""
    here, (name, version) = machine(), core.libc()
    facts = [("os", "name", sys.platform), ("os", "machine", here)]
    facts += [("libc", f"{name}_version_lower_bound", version)] if version else []
    facts += [("x86_64", "level", f"v{core.isa_level()}")] if here == "x86_64" else []
    facts += [(here, feature, "on") for feature in cpu_features()] if here in _CPUS else []
    facts += [("nvidia", _CUDA, ".".join(map(str, cuda)))] if cuda else []
    return [Property(namespace=n, feature=f, value=v) for n, f, v in facts]


def _foreign(found: list[Property]) -> list[Property]:
    """What others tell of features that nativeload does not know itself."""
    return [one for one in found if one.namespace not in _OURS and (one.namespace, one.feature) != ("nvidia", _CUDA)]


def report() -> "dict[str, Any]":
    """Everything that `--host` shows, as JSON."""
    from nativeload.driver import driver

    cuda, (found, problems) = driver(), told()
    name, version = core.libc()
    system, release = os.uname()[::2][:2] if hasattr(os, "uname") else ("Windows", version)
    return {
        "version": 1,
        "os": {"name": system, "release": release, "machine": machine()},
        "libc": {"name": name, "version": version},
        "cpu": {"level": core.isa_level(), "features": list(cpu_features())},
        "cuda": {
            "version": cuda.version and ".".join(map(str, cuda.version)),
            "driver": cuda.path or None,
            "problem": cuda.problem,
        },
        "features": list(map(str, (*_own(cuda.version), *_foreign(found)))),
        "problems": problems,
    }


host = sys.modules[__name__]
