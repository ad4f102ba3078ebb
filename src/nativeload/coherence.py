"""Before a library is mapped: whether the process would then have two of what it should have one. Nothing is mapped here."""

import warnings

from nativeload import core, loader, pairs
from nativeload.errors import CoherenceError, CoherenceWarning
from nativeload.linkers import host
from nativeload.loading import PROCESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.spec import LibrarySpec

KINDS = ("two-openmp", "two-mpi", "two-blas")
_CALLER = 5  # check, load_anew, _load, load, and who calls that


def check(spec: "LibrarySpec", before: "Sequence[tuple[str, str | None]]") -> None:
    """Warn of what would meet in the process if the library were loaded; raise CoherenceError where that is strict.

    `before` is what the process has; what it has twice already is nobody's doing here.
    """
    there = [path for path, _ in before if path]
    groups = tuple((path,) for path in (*spec.dependencies, spec.path))
    walked = core.walk(host.linker().walker, groups, (), PROCESS)
    coming = [image[0] for image in walked[0]] if walked else []
    known = {sentence for _, _, sentence in pairs.clashes(there)}
    for kind, _, sentence in pairs.clashes(list(dict.fromkeys((*there, *coming)))):
        if kind in KINDS and sentence not in known:
            if loader.setting("NATIVELOAD_STRICT").lower() not in ("", "0", "off", "no", "false"):
                raise CoherenceError(spec.path, kind, sentence)
            words = (
                f"{spec.path} is loaded beside what should not be there: {sentence} (docs/explanation/one-of-each.md)"
            )
            warnings.warn(words, CoherenceWarning, stacklevel=_CALLER)
