"""The verdict: would this file work in this process, for this requirement? From its headers, before it is mapped."""

import os

from nativeload import core, images
from nativeload.linkers import host
from nativeload.loading import Loading
from nativeload.spec import LibrarySpec, Rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.images import Image
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, Trace

# The bits of e_flags that name a calling convention, by e_machine (the psABI supplements of each processor).
_ABI_FLAGS = {243: 0xE, 40: 0xFF000600, 21: 0x3, 8: 0xF003F020}
_MACHINES = {3: "x86", 8: "MIPS", 20: "PowerPC", 21: "PowerPC64", 22: "S390", 40: "Arm", 62: "x86-64", 183: "AArch64"}
_MACHINES |= {243: "RISC-V", 258: "LoongArch"}
# glibc expands them in every path it is given, also in dlopen's (ld.so(8), "Dynamic string tokens").
_EXPANDED = tuple(f"${begin}{name}" for name in ("ORIGIN", "LIB", "PLATFORM") for begin in ("", "{"))


def judge(candidate: "Candidate", requirement: "Requirement", trace: "Trace | None" = None) -> LibrarySpec | Rejection:
    """A spec where the candidate will do, else the first reason why it will not."""
    for token in _EXPANDED if "$" in candidate.path else ():
        if token in candidate.path and core.libc()[0] == "glibc":
            return Rejection(kind="file", reason=f"the linker puts something else for {token} and loads another file")
    asked = (*requirement.symbols, *_telling(candidate))
    try:
        image = images.read(candidate.path, asked, trace)
    except OSError as error:
        return Rejection(kind="file", reason=images.words(candidate.path, error))
    except ValueError as error:
        return Rejection(kind="format", reason=str(error))
    exported = dict(zip(asked, image.exported, strict=True))
    features = _features(candidate, image, exported)
    version, source = _version_of(candidate, image)
    rejection = _check(candidate, requirement, image, exported, features, (version, source))
    if rejection:
        return rejection
    loading = Loading(candidate.path, candidate.siblings, host.linker(trace))
    if loading.rejection:
        return loading.rejection
    return LibrarySpec(
        name=requirement.name,
        path=candidate.path,
        soname=image.soname,
        version=version,
        abi=features,
        origin=candidate.origin,
        provider=candidate.provider,
        dependencies=tuple(loading.preload),
    )


def _version_of(candidate: "Candidate", image: "Image") -> tuple[str | None, str]:
    """(version, where it was read): what the provider declares, else what the file tells."""
    if candidate.version:
        return candidate.version, f"of {candidate.provider.distribution}" if candidate.provider else "declared"
    from nativeload import versions

    return versions.told(candidate.path, image.soname, candidate.entry)


def _check(
    candidate: "Candidate",
    requirement: "Requirement",
    image: "Image",
    exported: dict[str, bool],
    features: tuple[str, ...],
    version: tuple[str | None, str],
) -> Rejection | None:
    """The first reason to refuse the file by itself, in the order they are asked."""
    return (
        _kind(image)
        or _libc(image)
        or _isa(image)
        or _soname(candidate, requirement, image)
        # What else a loaded one lacks would hide that it is another version's copy.
        or (_version(requirement, *version) if candidate.origin == "loaded" else None)
        or _symbols(candidate, requirement, exported)
        or _missing_features(requirement, features)
        or _version(requirement, *version)
    )


def _kind(image: "Image") -> Rejection | None:
    here = images.process()
    if not image.same_kind(here):
        reason = f"is {_describe(image)}; this process is {_describe(here)}"
        return Rejection(kind="machine", reason=reason)
    mask = _ABI_FLAGS.get(here.machine, 0)
    if (image.flags ^ here.flags) & mask:
        reason = f"has ABI flags {image.flags & mask:#x}; this process has {here.flags & mask:#x}"
        return Rejection(kind="machine", reason=reason)
    if image.unfit:
        kind, reason = image.unfit
        return Rejection(kind=kind, reason=reason)
    return None


def _libc(image: "Image") -> Rejection | None:
    wanted = image.libc
    here, version = core.libc() if wanted else ("", "")
    if wanted == here:
        return None
    return Rejection(kind="libc", reason=f"is built for {wanted}; this process runs on {here} {version}".rstrip())


def _isa(image: "Image") -> Rejection | None:
    # Asking the CPU is slow under a hypervisor, and every CPU has the baseline.
    level = core.isa_level() if image.isa_needed > 1 else 0
    if not image.isa_needed > level > 0:
        return None
    reason = f"needs a CPU of level x86-64-v{image.isa_needed}; this one is x86-64-v{level}"
    return Rejection(kind="isa-level", reason=reason)


def _soname(candidate: "Candidate", requirement: "Requirement", image: "Image") -> Rejection | None:
    if candidate.soname and image.soname != candidate.soname:
        reason = f"its provider declares soname {candidate.soname}; the file says {image.soname or 'none'}"
        return Rejection(kind="soname", reason=reason)
    if requirement.filename and candidate.origin != "override":
        names = (image.soname or "", os.path.basename(candidate.path))
        if not any(requirement.names(name) for name in names):
            return Rejection(kind="soname", reason=f"its soname is {image.soname}, not {requirement.filename}")
    return None


def _symbols(candidate: "Candidate", requirement: "Requirement", exported: dict[str, bool]) -> Rejection | None:
    for symbol in requirement.symbols:
        if not exported[symbol]:
            from nativeload.advice import nearest

            near = ", ".join(nearest(candidate.path, symbol))
            reason = f"does not export {symbol}" + (f"; the nearest it has: {near}" if near else "")
            return Rejection(kind="symbol", reason=reason)
    return None


def _missing_features(requirement: "Requirement", features: tuple[str, ...]) -> Rejection | None:
    missing = [feature for feature in requirement.features if feature not in features]
    if not missing:
        return None
    found = ", ".join(features) or "no features that can be told"
    return Rejection(kind="abi", reason=f"asked for {', '.join(missing)}; it has {found}")


def _version(requirement: "Requirement", version: str | None, source: str) -> Rejection | None:
    if requirement.specifier is None:
        return None
    if version is None:
        reason = f"its version is unknown ({source}), and {requirement.specifier} was asked for"
        return Rejection(kind="version", reason=reason)
    if not requirement.admits(version):
        reason = f"is version {version} ({source}); {requirement.specifier} was asked for"
        return Rejection(kind="version", reason=reason)
    return None


def _telling(candidate: "Candidate") -> tuple[str, ...]:
    """The symbols whose presence tells the library's ABI features, by the catalog."""
    return tuple(rule.symbol for rule in candidate.entry.abi) if candidate.entry else ()


def _features(candidate: "Candidate", image: "Image", exported: dict[str, bool]) -> tuple[str, ...]:
    """The features declared, else those of the catalog's first rule that the file meets."""
    if candidate.abi or candidate.entry is None:
        return candidate.abi
    for rule in candidate.entry.abi:
        if exported[rule.symbol] and rule.soname in ("", image.soname):
            return rule.features
    return ()


def _describe(image: "Image") -> str:
    machine = _MACHINES.get(image.machine, f"machine {image.machine}")
    return f"{machine} {image.elf_class}-bit {image.byteorder}-endian"
