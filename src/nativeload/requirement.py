"""What a caller asks for: a library's name, ABI features, a version specifier, symbols. PEP 508's syntax."""

import nativeload
from nativeload.loader import SYSTEM, name_of
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


class Requirement(Record):
    """A parsed requirement.

    `name` is as written; `stem` the library's bare name ("z" of "libz.so.1"); `filename` the soname or development
    name where one was written, else "". `specifier` is None where any version will do. `virtual` is the virtual name as whose
    implementation the library is asked for, else "".
    """

    __slots__ = ("features", "filename", "name", "specifier", "stem", "symbols", "text", "virtual")
    text: str
    name: str
    stem: str
    filename: str
    features: tuple[str, ...]
    specifier: "SpecifierSet | None"
    symbols: tuple[str, ...]
    virtual: str

    def names(self, filename: str) -> bool:
        """Whether a file name or soname is one that this requirement's name stands for.

        "z" and "libz.so" stand for libz.so and libz.so.1; "libz.so.1" for libz.so.1 alone, and for no libz.so.12.
        """
        if SYSTEM is not None:
            return SYSTEM.named(self, filename)
        wanted = self.filename or f"lib{self.name}.so"
        if not filename.startswith(wanted):
            return False
        return filename == wanted or (wanted.endswith(".so") and filename[len(wanted)] == ".")

    def admits(self, version: str) -> bool:
        """Whether a version satisfies the specifier. One that PEP 440 cannot read does not."""
        if self.specifier is None:
            return True
        try:
            return self.specifier.contains(version, prereleases=True)
        except ValueError:  # InvalidVersion is one, and more digits than `int` reads are another
            return False


def normal(name: str) -> str:
    """A library's or distribution's name as it is compared: no case, and one separator."""
    return name.lower().replace("-", "_").replace(".", "_")


def parse(text: str, symbols: tuple[str, ...] = ()) -> Requirement:
    """Read a requirement. Raises RequirementError. A plain name imports nothing."""
    if not isinstance(text, str):
        raise TypeError(f"a requirement is a str, not {type(text).__name__}")
    name = name_of(text)
    if name == text and "." not in text and name[:1].isalnum() and not symbols:  # a plain name, as most are
        return Requirement(
            text=text, name=text, stem=text, filename="", features=(), specifier=None, symbols=(), virtual=""
        )
    if "/" in text or "\0" in text:
        chosen = "a file is chosen by NATIVELOAD_<NAME> or nativeload.prefer"
        raise nativeload.RequirementError(text, f"it is a library's name, not a path; {chosen}")
    if not name or not (name[0].isalnum() or name[0] == "_"):
        raise nativeload.RequirementError(text, "it does not begin with a library's name")
    for symbol in symbols:
        if not isinstance(symbol, str) or not symbol or "\0" in symbol:
            raise nativeload.RequirementError(text, f"{symbol!r} is not a symbol's name")
    features, rest = _features(text, text[len(name) :].strip())
    stem, filename = _stem(name)
    specifier = _specifier(text, rest) if rest else None
    return Requirement(
        text=text,
        name=name,
        stem=stem,
        filename=filename,
        features=features,
        specifier=specifier,
        symbols=symbols,
        virtual="",
    )


def _features(text: str, rest: str) -> tuple[tuple[str, ...], str]:
    if not rest.startswith("["):
        return (), rest
    inside, closed, rest = rest[1:].partition("]")
    features = tuple(feature.strip().lower() for feature in inside.split(",") if feature.strip())
    if not closed or not features:
        raise nativeload.RequirementError(text, "the ABI features after '[' are not closed by ']', or there are none")
    return features, rest.strip()


def _specifier(text: str, rest: str) -> "SpecifierSet":
    from packaging.specifiers import SpecifierSet

    if rest[0] in "@;":
        raise nativeload.RequirementError(text, "a library has no URL and no environment marker")
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    try:
        specifier = SpecifierSet(rest)
        specifier.contains("0")  # what it compares with is read only now
    except ValueError:
        specifier = SpecifierSet()
    if not specifier:  # "()" and "," too: an empty one would refuse every library of unknown version
        raise nativeload.RequirementError(text, f"{rest!r} is not a version specifier")
    return specifier


def _stem(name: str) -> tuple[str, str]:
    if SYSTEM is not None and (stem := SYSTEM.stem(name)):
        return stem, name
    base, dot_so, version = name.partition(".so")
    if not dot_so or (version and not version.startswith(".")):
        return name, ""
    return base.removeprefix("lib"), name
