"""Every error nativeload raises. Facts are attributes; messages are made from them. Nothing here searches."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.spec import Rejection, Step


class NativeLoadError(Exception):
    """The root of them all."""


class RequirementError(NativeLoadError, ValueError):
    """A requirement that cannot be read: its text, and what is wrong with it."""

    def __init__(self, requirement: str, reason: str) -> None:
        super().__init__(requirement, reason)
        self.requirement = requirement
        self.reason = reason

    def __str__(self) -> str:
        return f"not a library requirement: {self.requirement!r}: {self.reason} (write 'openblas[ilp64]>=0.3.20')"


class DeclarationError(NativeLoadError, ValueError):
    """A `nativeload.toml`, a configuration file or an entry point that says something unusable.

    `where` is "file" or "file:line".
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class OverrideError(NativeLoadError, ValueError):
    """What the user chose cannot be honoured. Not an ImportError: a package that treats the library as optional
    must not swallow its user's choice.

    `variable` is what holds the choice (an environment variable, or "file:line"), `value` the choice.
    """

    def __init__(self, variable: str, value: str, reason: str) -> None:
        super().__init__(variable, value, reason)
        self.variable = variable
        self.value = value
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.variable}={self.value} cannot be honoured: {self.reason} (mend it, or unset it)"


class _SearchError(NativeLoadError, ImportError):
    """A search that ended with nothing: the requirement's text, its library's name and every step, in order.

    `required` are lines that say who requires it, where `load_required` was asked.
    """

    def __init__(self, requirement: str, name: str, steps: "Sequence[Step]") -> None:
        super().__init__(requirement, name, steps)
        self.requirement = requirement
        self.name = name
        self.steps = tuple(steps)
        self.required: tuple[str, ...] = ()

    _headline = ""

    def __str__(self) -> str:
        # What to do next is looked up when somebody reads it: a package that tries an optional library and goes
        # on without it must not pay for the advice.
        from nativeload.advice import advice

        lines = [f"{self._headline} {self.requirement!r}", *(f"  {line}" for line in self.required)]
        lines += ["  searched, in order:"]
        lines += [f"    {step}" for step in self.steps]
        lines += ["  what you can do:"]
        lines += [f"    {line}" for line in advice(self.requirement, self.steps)]
        return "\n".join(lines)


class LibraryNotFoundError(_SearchError):
    """No finder knows the library."""

    _headline = "no library found for"


class ABIMismatchError(_SearchError):
    """Libraries of that name were found, and none would work in this process for this requirement.

    `rejections` are the reasons, one for each file refused.
    """

    _headline = "no usable library for"

    @property
    def rejections(self) -> "tuple[Rejection, ...]":
        return tuple(step.rejection for step in self.steps if step.rejection is not None)


class LinkError(NativeLoadError, ImportError):
    """The dynamic linker refused a file that had passed every check: the file and the linker's words."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"the linker could not load {self.path}: {self.reason}\n    python -m nativeload --explain {self.path}"


class CoherenceWarning(UserWarning):
    """A process has two libraries now of which it should have one."""


class CoherenceError(NativeLoadError, ImportError):
    """A library was not loaded, because the process has one already beside which it should not be (`NATIVELOAD_STRICT`).

    `kind` is one of the problems that `--check` knows: "two-openmp", "two-blas", "two-mpi".
    """

    def __init__(self, path: str, kind: str, reason: str) -> None:
        super().__init__(path, kind, reason)
        self.path = path
        self.kind = kind
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path} is not loaded: {self.reason} (NATIVELOAD_STRICT is set; docs/explanation/one-of-each.md)"


class ImageError(NativeLoadError, ValueError):
    """A file was asked about that cannot be read, or is no ELF file: the file and what is wrong with it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class SearchPathError(NativeLoadError, LookupError):
    """No search path makes a program's linker find a library: the name it looks for, the library's file, and why."""

    def __init__(self, name: str, path: str, reason: str) -> None:
        super().__init__(name, path, reason)
        self.name = name
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"no search path makes a program find {self.name}, which is to be {self.path}: {self.reason}"


class SymbolNotFoundError(NativeLoadError, AttributeError):
    """A loaded library has no such symbol: its path, the symbol, and the nearest names it has."""

    def __init__(self, path: str, symbol: str, nearest: "Sequence[str]") -> None:
        super().__init__(path, symbol, nearest)
        self.path = path
        self.symbol = symbol
        self.nearest = tuple(nearest)

    def __str__(self) -> str:
        near = f"; the nearest it has: {', '.join(self.nearest)}" if self.nearest else ""
        return f"{self.path} has no symbol {self.symbol!r}{near}"


class ReaderError(NativeLoadError, ImportError):
    """A file of another platform was asked about, and the library that reads its format is not installed."""

    def __init__(self, reader: str) -> None:
        super().__init__(reader)
        self.reader = reader

    def __str__(self) -> str:
        return f"{self.reader}, which reads files of this format, is not installed: pip install 'nativeload[inspect]'"


class PlatformError(NativeLoadError, ValueError):
    """A platform tag, or a wheel of another platform, that cannot be used: which, and why."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(what, reason)
        self.what = what
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.what} {self.reason} (write --platform macosx_11_0_arm64, win_amd64 or musllinux_1_2_aarch64)"


class UnsearchedError(NativeLoadError, NotImplementedError):
    """A search on a platform, `platform` as `sys.platform` has it, whose own linker nativeload does not follow yet."""

    def __init__(self, platform: str) -> None:
        super().__init__(platform)
        self.platform = platform

    def __str__(self) -> str:
        return (
            f"nativeload searches and loads on Linux, macOS and Windows; this is {self.platform}, where it only reads files:"
            " ask --tree, --check or --explain with a path"
        )
