"""What there is for those who build with a library: headers, how to link with it, pkg-config and CMake files.

The library is the one that `load` would give. What belongs to it lies where its provider declares it, else where build
systems put it, which is where `pack` and the wheels of others have it: `include`, `lib/pkgconfig`, `lib/cmake/NAME`.
"""

import os

from nativeload.errors import NativeLoadError
from nativeload.requirement import normal, parse
from nativeload.spec import Record, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.spec import LibrarySpec

# Compilers search them without being told; told, they would look there before the C++ library's own headers.
_USUAL_INCLUDE = ("/usr/include", "/usr/local/include", "/include")


class NotShippedError(NativeLoadError, LookupError):
    """A library that is there without what was asked for: its path, and what is wrong."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


class Development(Record):
    """A library as those who build with it see it: `directory` is where it lies, `declared` what its provider says."""

    __slots__ = ("declared", "directory", "spec")
    spec: "LibrarySpec"
    directory: str
    declared: dict[str, str]

    @property
    def cflags(self) -> list[str]:
        """The compiler's flags: where the headers are, if there are any."""
        places = [self.declared["include"]] if "include" in self.declared else self._beside("include")
        return [f"-I{place}" for place in places if place not in _USUAL_INCLUDE]

    @property
    def libs(self) -> list[str]:
        """The linker's flags, without an rpath. Raises NotShippedError for a library without a soname."""
        if not self.spec.soname:
            reason = "has no soname: what is linked with it would not be given it by loading it first"
            raise NotShippedError(self.spec.path, f"{reason} (patchelf --set-soname NAME gives it one)")
        # Not by its path: that would be remembered as it is if the file had no soname by then.
        return [f"-L{self.directory}", f"-l:{os.path.basename(self.spec.path)}"]

    @property
    def pkg_config_path(self) -> str:
        """The directory of its pkg-config files. Raises NotShippedError."""
        if "pkgconfig" in self.declared:
            return self.declared["pkgconfig"]
        for place in (f"{self.directory}/pkgconfig", *self._beside("share/pkgconfig")):
            if any(name.endswith(".pc") for name in _listed(place)):
                return place
        reason = f"comes without pkg-config files: there are none in {self.directory}/pkgconfig"
        raise NotShippedError(self.spec.path, f"{reason} (use --cflags and --libs)")

    @property
    def cmake_dir(self) -> str:
        """The directory of its CMake configuration. Raises NotShippedError, also where several could be it."""
        if "cmake" in self.declared:
            return self.declared["cmake"]
        top = f"{self.directory}/cmake"
        found = [name for name in _listed(top) if any(map(_is_cmake_config, _listed(f"{top}/{name}")))]
        stem = parse(self.spec.name).stem
        named = [name for name in found if normal(name) == normal(stem)]
        if len(chosen := named or found) == 1:
            return f"{top}/{chosen[0]}"
        said = f"of {', '.join(found)}, none is called {stem}" if found else f"there is none in {top}/…"
        raise NotShippedError(self.spec.path, f"comes without a CMake configuration: {said} (use --cflags and --libs)")

    def _beside(self, name: str) -> "Iterator[str]":
        """Directories of a name in the library's, or in the one above where that is a `lib`."""
        above, last = os.path.split(self.directory)
        for place in (self.directory, *([above] if last in ("lib", "lib64") else ())):
            if os.path.isdir(f"{place}/{name}"):
                yield os.path.join(place, name)


def find(requirement: str) -> Development:
    """What there is of the library that `load` would give. Raises what `load` would."""
    from nativeload import resolution

    spec, trace = resolution.resolve(requirement)
    if spec is None:
        raise resolution.failure(requirement, trace)
    return Development(spec=spec, directory=os.path.dirname(spec.path), declared=_declared(spec))


def _declared(spec: "LibrarySpec") -> dict[str, str]:
    """The directories that its provider declares, by their keys."""
    from nativeload import declarations, metadata

    provider = metadata.find(spec.provider.distribution) if spec.provider else None
    if provider is None:
        return {}
    for package in dict.fromkeys(package for _, package in provider.declared()):
        for library in declarations.read(provider, package, Trace()).values():
            if library.path == spec.path:
                found = dict(library.development)
                # An editable install has what is built elsewhere than what is written.
                home = os.path.dirname(library.where.rpartition(":")[0])
                if not spec.path.startswith(f"{home}/") and os.path.isdir(f"{home}/include"):
                    found.setdefault("include", f"{home}/include")
                return found
    return {}


def pkg_config_path() -> list[str]:
    """The directories of pkg-config files of every library that an installed distribution provides."""
    from nativeload import inventory

    found = []
    for name in sorted({one.name for one in inventory.provided() if one.path and not one.problem}):
        try:
            found.append(find(name).pkg_config_path)
        except NativeLoadError:
            continue
    return list(dict.fromkeys(found))


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _is_cmake_config(name: str) -> bool:
    return name.endswith(("-config.cmake", "Config.cmake"))
