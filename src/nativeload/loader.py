"""A load whose answer is not in the cache, and what the other modules share with the usual `load`.

That one is in `nativeload/__init__.py`, and imports nothing of this. The search itself is `resolution`, the keeping
of answers `cache`.
"""

import os
import sys

import nativeload
from nativeload import _FLAGS, Library, _config_files, _handles, _open, core
from nativeload import _MAGIC as MAGIC
from nativeload import _aliased as aliased
from nativeload import _asked as asked
from nativeload import _cache_directory as cache_directory
from nativeload import _key as key
from nativeload import _name_of as name_of
from nativeload import _preferred as preferred
from nativeload import _setting as setting
from nativeload import _variable_of as variable_of
from nativeload import _variables_of as variables_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from nativeload import Answer
    from nativeload.spec import LibrarySpec, Trace
    from nativeload.systems.system import System

__all__ = [
    "FLAGS",
    "MAGIC",
    "RIVALS",
    "SYSTEM",
    "VERSION",
    "Answer",
    "Library",
    "asked",
    "cache_directory",
    "config_file",
    "config_files",
    "edited",
    "key",
    "libraries",
    "load_anew",
    "machine",
    "name_of",
    "names",
    "preferred",
    "recall",
    "setting",
    "variable_of",
    "variables_of",
]

# Of what a process should have one alone, as file names begin: what is loaded with one of them beside another is looked
# at. OpenBLAS as SciPy builds it (`libscipy_openblas`) has names of its own for everything.
RIVALS = {
    "openmp": ("libgomp", "libomp", "libiomp5"),
    "mpi": ("libmpi",),
    "blas": (
        "libopenblas",
        "libmkl_rt",
        "libblis",
        "libflexiblas",
        "libblas",
        "libcblas",
        "libf77blas",
        "libsatlas",
        "libtatlas",
    ),
}
_HOME, _CONFIG_HOME, _CONFIG_DIRS = map(os.environ.encodekey, ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"))
_TOOLKIT = ("libcu", "libnv", "libnpp")  # as libraries of CUDA begin, of which those of one toolkit go together
SYSTEM: "System | None" = None  # what a search asks of another system than Linux
if sys.platform in ("darwin", "win32"):
    from nativeload import systems

    SYSTEM = systems.here()
_configured: tuple[object, tuple[str, ...]] = (None, ())
FLAGS = _FLAGS["local"]  # of dlopen
VERSION = MAGIC.decode().split()[-1]


def names(symbols: "Iterable[str]") -> tuple[str, ...]:
    """Symbols asked for, as a tuple. Raises TypeError for a string, whose letters would be taken for them."""
    if isinstance(symbols, str):
        raise TypeError("symbols is a sequence of names, not one string")
    return tuple(symbols)


def machine() -> str:
    """This machine's name as Linux has it: "x86_64", "aarch64"."""
    if sys.platform == "win32":
        return "aarch64" if "(ARM64)" in sys.version else "x86_64" if "(AMD64)" in sys.version else "i686"
    return os.uname().machine.replace("arm64", "aarch64")


def recall(asked: str) -> "Answer | None":
    """The answer kept under a key, if it still holds; none under ""."""
    home = asked and cache_directory()
    return core.recall(home, MAGIC, asked) if home else None


def config_files(*, obeyed: bool = True) -> tuple[str, ...]:
    """The configuration files of the environment, the user and the site, "" for none; `python -I` obeys none."""
    global _configured
    kept: dict[Any, Any] = os.environ._data  # type: ignore[attr-defined]
    state = obeyed, sys.prefix, kept.get(_HOME), kept.get(_CONFIG_HOME), kept.get(_CONFIG_DIRS)
    if _configured[0] != state:
        _configured = state, _config_files(obeyed=obeyed)
    return _configured[1]


def config_file(*, obeyed: bool = True) -> str:
    """The user's configuration file, "" where there is none; `python -I` obeys none."""
    paths = config_files(obeyed=obeyed)
    return paths[1] if paths else ""


def edited() -> bool:
    """Whether somebody has changed the chain: what another one gives is remembered for nobody."""
    resolution = sys.modules.get("nativeload.resolution")
    # Without its list it is being imported by another thread, and nobody can have changed it.
    return resolution is not None and hasattr(resolution, "finders") and tuple(resolution.finders) != resolution.USUAL


def load_anew(requirement: str, symbols: tuple[str, ...], mode: str, asked: str) -> Library:
    """Search, load, and keep the answer under the key `asked`, "" for not at all."""
    from nativeload import cache, resolution

    spec, trace = resolution.resolve(requirement, symbols)
    if spec is None:
        raise resolution.failure(requirement, trace)
    if spec.alias:
        return _alias(requirement, spec, trace, mode)
    answer = _answer(spec, resolution.known_sonames(spec, requirement))
    before = core.linkmap()
    if SYSTEM is None and _rivals(before) and spec.origin != "loaded":
        from nativeload import coherence

        coherence.check(spec, before)
    library = _open(answer, mode)
    if isinstance(library, OSError):
        raise nativeload.LinkError(spec.path, str(library))
    if asked and spec.origin != "loaded" and trace.lasting:
        # Beside a rival the answer is not the whole story, as it is not where the process has the library.
        rivals = _rivals(set(core.linkmap()).difference(before)) + trace.beside
        rivals += _TOOLKIT if any(feature.startswith("cuda") for feature in spec.abi) else ()
        cache.store(asked, (*answer[:3], (*answer[3], *rivals)), trace.consulted)
    return library


def _alias(requirement: str, spec: "LibrarySpec", trace: "Trace", mode: str) -> Library:
    """Load a library under another soname too; whether it will do depends on who asks, so it is asked each time."""
    from nativeload import alias, resolution

    refused = alias.refusal(spec.alias, spec.path)
    if refused:
        trace.rejected(spec.path, refused)
        raise resolution.failure(requirement, trace)
    library = _open(_answer(spec, ()), mode)
    if isinstance(library, OSError):
        raise nativeload.LinkError(spec.path, str(library))
    try:
        alias.load(spec.alias, spec.path)
    except OSError as error:
        raise nativeload.LinkError(f"{spec.path} as {spec.alias}", str(error)) from None
    aliased.add(requirement)
    return library


def _rivals(images: "Iterable[tuple[str, str | None]]") -> tuple[str, ...]:
    """How the names begin of what should not be beside one of these images."""
    names = [path.rpartition("/")[2] for path, _ in images]
    return tuple(begin for family in RIVALS.values() if any(n.startswith(family) for n in names) for begin in family)


def _answer(spec: "LibrarySpec", sonames: tuple[str, ...]) -> "Answer":
    provider = (spec.provider.distribution, spec.provider.version) if spec.provider else ("", "")
    facts = (spec.name, spec.path, spec.soname or "", spec.version or "", spec.origin, *provider)
    return facts, spec.abi, spec.dependencies, sonames


def libraries() -> list[Library]:
    """What was loaded here, once each."""
    return list(_handles.values())
