"""The verdict: would this file work in this process, for this requirement? From its headers, before it is mapped."""

import os

from nativeload import catalog, core, images
from nativeload.linkers import host
from nativeload.loader import SYSTEM
from nativeload.spec import LibrarySpec, Rejection, rejection

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
    if SYSTEM is not None:
        from nativeload.systems import verdict

        return verdict.judge(candidate, requirement, trace)
    for token in _EXPANDED if "$" in candidate.path else ():
        if token in candidate.path and core.libc()[0] == "glibc":
            reason = f"the linker puts something else for {token} and loads another file"
            return rejection("file", reason, token=token)
    linker = host.linker(trace)
    if trace is not None:
        trace.consult(candidate.path)
    asked = (*requirement.symbols, *telling(candidate))
    # Most files can be loaded as they are, and then nothing else of them matters.
    plain = not asked and linker.program.machine not in _ABI_FLAGS
    soname = core.fits(linker.walker, candidate.path) if plain else None
    if soname is not None:
        return suits(candidate, requirement, soname or None, {})
    image = _examined(candidate, asked, trace)
    if isinstance(image, Rejection):
        return image
    spec = suits(candidate, requirement, image.soname, dict(zip(asked, image.exported, strict=True)))
    if isinstance(spec, Rejection):
        return spec
    from nativeload.loading import Loading

    loading = Loading(candidate.path, candidate.siblings, linker)
    return loading.rejection or spec.replace(dependencies=tuple(loading.preload))


def _examined(candidate: "Candidate", asked: tuple[str, ...], trace: "Trace | None") -> "Image | Rejection":
    """The facts of a file that this process could map, else the reason why none of its kind can."""
    try:
        image = images.read(candidate.path, asked, trace)
    except OSError as error:
        archive = images.archive(candidate.path) if isinstance(error, NotADirectoryError) else None
        return rejection("file", images.words(candidate.path, error), errno=error.errno, archive=archive)
    except ValueError as error:
        problem, _, detail = str(error).partition(": ")
        return rejection("format", str(error), problem=problem, detail=detail)
    return _kind(image) or _libc(image) or _isa(image) or image


def suits(
    candidate: "Candidate", requirement: "Requirement", soname: str | None, exported: dict[str, bool]
) -> LibrarySpec | Rejection:
    """The spec of a file that can be mapped where it is what was asked for, else the first reason, in this order."""
    features = _features(candidate, soname, exported)
    version = _version_of(candidate, soname)
    refused = (
        _soname(candidate, requirement, soname)
        # What else a loaded one lacks would hide that it is another version's copy.
        or (_version(requirement, *version) if candidate.origin == "loaded" else None)
        or _symbols(candidate, requirement, exported)
        or _missing_features(requirement, features)
        or _version(requirement, *version)
    )
    return refused or LibrarySpec(
        name=requirement.name,
        path=candidate.path,
        soname=soname,
        version=version[0],
        abi=features,
        origin=candidate.origin,
        provider=candidate.provider,
        dependencies=(),
        alias=candidate.alias,
    )


def _version_of(candidate: "Candidate", soname: str | None) -> tuple[str | None, str]:
    """(version, where it was read): what the provider declares, else what the file tells."""
    if candidate.version:
        return candidate.version, f"of {candidate.provider.distribution}" if candidate.provider else "declared"
    from nativeload import versions

    return versions.told(candidate.path, soname, candidate.entry)


def _kind(image: "Image") -> Rejection | None:
    here = images.process()
    if not image.same_kind(here):
        kinds = {"machine": describe(image), "process": describe(here)}
        return rejection("machine", f"is {kinds['machine']}; this process is {kinds['process']}", **kinds)
    mask = _ABI_FLAGS.get(here.machine, 0)
    flags, here_flags = image.flags & mask, here.flags & mask
    if flags != here_flags:
        reason = f"has ABI flags {flags:#x}; this process has {here_flags:#x}"
        return rejection("machine", reason, flags=flags, process_flags=here_flags)
    return image.unfit


def _libc(image: "Image") -> Rejection | None:
    wanted = image.libc
    here, version = core.libc() if wanted else ("", "")
    if wanted == here:
        return None
    reason = f"is built for {wanted}; this process runs on {here} {version}".rstrip()
    return rejection("libc", reason, libc=wanted, process=here, process_version=version)


def _isa(image: "Image") -> Rejection | None:
    # Asking the CPU is slow under a hypervisor, and every CPU has the baseline.
    level = core.isa_level() if image.isa_needed > 1 else 0
    if not image.isa_needed > level > 0:
        return None
    reason = f"needs a CPU of level x86-64-v{image.isa_needed}; this one is x86-64-v{level}"
    return rejection("isa-level", reason, needed=image.isa_needed, cpu=level)


def _soname(candidate: "Candidate", requirement: "Requirement", soname: str | None) -> Rejection | None:
    if candidate.soname and soname != candidate.soname:
        reason = f"its provider declares soname {candidate.soname}; the file says {soname or 'none'}"
        return rejection("soname", reason, soname=soname, wanted=candidate.soname)
    if requirement.filename and candidate.origin != "override" and not candidate.alias:
        names = (soname or "", os.path.basename(candidate.path))
        if not any(requirement.names(name) for name in names):
            reason = f"its soname is {soname}, not {requirement.filename}"
            return rejection("soname", reason, soname=soname, wanted=requirement.filename)
    return None


def _symbols(candidate: "Candidate", requirement: "Requirement", exported: dict[str, bool]) -> Rejection | None:
    for symbol in requirement.symbols:
        if not exported[symbol]:
            from nativeload.advice import nearest

            near = tuple(nearest(candidate.path, symbol))
            reason = f"does not export {symbol}" + (f"; the nearest it has: {', '.join(near)}" if near else "")
            return rejection("symbol", reason, symbol=symbol, nearest=near)
    return None


def _missing_features(requirement: "Requirement", features: tuple[str, ...]) -> Rejection | None:
    missing = tuple(feature for feature in requirement.features if feature not in features)
    if not missing:
        return None
    found = ", ".join(features) or "no features that can be told"
    return rejection("abi", f"asked for {', '.join(missing)}; it has {found}", missing=missing, given=features)


def _version(requirement: "Requirement", version: str | None, source: str) -> Rejection | None:
    if requirement.specifier is None:
        return None
    if version is not None and requirement.admits(version):
        return None
    if version is None:
        reason = f"its version is unknown ({source}), and {requirement.specifier} was asked for"
    else:
        reason = f"is version {version} ({source}); {requirement.specifier} was asked for"
    return rejection("version", reason, version=version, source=source, wanted=str(requirement.specifier))


def telling(candidate: "Candidate") -> tuple[str, ...]:
    """The symbols whose presence tells the library's ABI features, by the catalog."""
    return tuple(rule.symbol for rule in candidate.entry.abi) if candidate.entry else ()


def _features(candidate: "Candidate", soname: str | None, exported: dict[str, bool]) -> tuple[str, ...]:
    """The features declared, else those of the catalog's first rule that the file meets, else of wheels' like it."""
    if candidate.abi or candidate.entry is None:
        return candidate.abi
    for rule in candidate.entry.abi:
        if exported[rule.symbol] and rule.soname in ("", soname):
            return rule.features
    return catalog.like(candidate.entry, soname)[0]


def describe(image: "Image") -> str:
    """The kind of machine that a file is for, in words."""
    machine = _MACHINES.get(image.machine, f"machine {image.machine}")
    return f"{machine} {image.elf_class}-bit {image.byteorder}-endian"
