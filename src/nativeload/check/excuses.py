"""How much a fault matters: an error only where something is known to run into it, else a warning with the reason."""

import os

from nativeload import images, pairs
from nativeload.check import sources
from nativeload.check.files import answering, declared
from nativeload.linkers import host
from nativeload.loading import Loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from nativeload.check.files import Native
    from nativeload.check.judgement import Fault
    from nativeload.check.loads import Loads
    from nativeload.check.requires import Requires

# Libraries that come with a driver and with nothing that pip or a distribution's usual packages install.
_DRIVERS = ("libcuda.so", "libnvidia-", "libOpenCL.so", "libhsa-runtime64.so", "libze_loader.so", "libnvcuvid.so")
_UNKNOWN = "nothing that is installed is known to load it"


class Excuses:
    """Why a fault is no error. `wanted` are the files that others are known to look for in vain, `misnamed` those that
    are loaded first, and not known by the name: (name, who loads it).
    """

    def __init__(self, loads: "Loads", requires: "Requires") -> None:
        self._loads = loads
        self._requires = requires
        self._declared: dict[str, str] | None = None
        self.wanted: set[str] = set()
        self.misnamed: dict[str, tuple[str, str]] = {}

    def want(self, distribution: str, names: "Iterable[str]") -> None:
        """Note that a file of a distribution fails for these names, or at these paths."""
        for name in names:
            if "/" in name:
                self.wanted.add(os.path.normpath(name))
            else:
                self.wanted.update(one.path for one in self._loads.named(name) if one.distribution == distribution)

    def excuse(self, one: "Native", fault: "Fault") -> str:
        """Why a fault of a file is no error, "" where it is one."""
        missing = fault.kind == "missing" and bool(fault.names)
        if missing and all(name.startswith(_DRIVERS) for name in fault.names):
            return "a driver brings it: without its device nothing loads this file"
        if missing and self._loads.finds_by_variable(one.path, fault.names):
            return "this process finds it by LD_LIBRARY_PATH; one without that variable does not"
        if one.is_extension or one.is_program:
            return self._of_entry(one, fault)
        return self._of_library(one, fault)

    def _of_entry(self, one: "Native", fault: "Fault") -> str:
        if one.is_extension and sources.is_for_tests(one.distribution, one.path):
            return "it lies among tests or examples, and only they load it"
        optional = one.is_extension and self._may_be_absent(one.distribution, fault)
        if optional and (source := sources.does_without(one.distribution, one.path)):
            return f"{source} catches that it cannot be imported, and does without it"
        return self._preloaded((one.distribution,), one, fault)

    def _may_be_absent(self, distribution: str, fault: "Fault") -> bool:
        """Whether a sound installation can have a fault: not where something of its own is damaged or gone."""
        if fault.kind == "missing":
            own = [name for name in fault.names if pairs.is_copy(name) or self._is_shipped(distribution, name)]
            return bool(fault.names) and not own
        return fault.kind in ("symbol", "isa-level")

    def _is_shipped(self, distribution: str, name: str) -> bool:
        return any(one.distribution == distribution for one in self._loads.named(name))

    def _of_library(self, one: "Native", fault: "Fault") -> str:
        entries = self._loads.loaders(one.path)
        if entries:
            whole = [entry for entry in entries if self._loads.is_whole(entry.path, one.path, fault.kind, fault.names)]
            if len(whole) == len(entries):
                return f"it is found where {whole[0].path} loads this file"
            excuses = [self._of_entry(entry, fault) for entry in entries if entry not in whole]
            if all(excuses):
                return excuses[0]
            return self._preloaded((one.distribution, *(entry.distribution for entry in entries)), one, fault)
        if one.path in self.wanted:
            return ""
        if one.path in self.declared():
            return self._loaded_after_others(one, fault)
        is_free = one.is_library and not self._loads.is_needed(one.path)
        if is_free and sources.opens(one.distribution, one.path):
            return self._preloaded((one.distribution,), one, fault)
        return _UNKNOWN

    def declared(self) -> dict[str, str]:
        """The files that nativeload.load loads, and the DT_SONAME that each must have, "" for any."""
        if self._declared is None:
            self._declared = declared()
        return self._declared

    def _loaded_after_others(self, one: "Native", fault: "Fault") -> str:
        """`nativeload.load` loads what the linker would not find but lies beside it."""
        if fault.kind != "missing" or not fault.names:
            return ""
        beside = tuple({os.path.dirname(other) for other in self.declared() if self._is_of(one.distribution, other)})
        if Loading(one.path, beside, host.linker()).rejection is None:
            return "nativeload.load loads what it needs before it"
        return ""

    def _is_of(self, distribution: str, path: str) -> bool:
        return self._loads.distribution(path) == distribution

    def _preloaded(self, distributions: tuple[str, ...], one: "Native", fault: "Fault") -> str:
        """What is loaded before, where Python files load libraries themselves and something has what is missing."""
        for distribution in dict.fromkeys(distributions):
            found = ""
            if fault.kind == "missing":
                found = self._library_before(distribution, fault.names, one.path)
            elif fault.kind == "symbol" and (source := sources.preloads(distribution, "", "")):
                givers = tuple(other.path for other in self._loads.all() if other.distribution == distribution)
                if not self._loads.lacking(one.path, givers):
                    found = f"{source} loads libraries itself, and others of this distribution give it"
            if found:
                return found
        return ""

    def _library_before(self, distribution: str, names: tuple[str, ...], path: str) -> str:
        source = before = ""
        required = {name: self._requires.before(distribution, path, name) for name in names}
        for name in names:
            if required[name]:
                continue
            source = sources.preloads(distribution, name, path)
            shipping = self._loads.shipping(name) if source else []
            known = [one.path for one in shipping if images.soname(one.path) == name]
            known += [one.path for one in answering(name)] if source else []
            if not known:
                self.misnamed.update({one.path: (name, source) for one in shipping})
                return ""
            before = known[0]
        said = next(filter(None, required.values()), "")
        return f"{source} loads libraries itself, perhaps {before} before" if source else said
