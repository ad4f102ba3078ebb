"""Properties, `namespace :: feature :: value`: how the wheel-variant proposals (PEP 817, PEP 825) say what a build needs.

Their syntax, those that an installed variant wheel says it needs, and those that installed distributions tell of this
machine: entry points of the group `nativeload.features`. What nativeload itself knows of the machine is in `host`.
"""

from nativeload.errors import DeclarationError
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

GROUP = "nativeload.features"

_LIMIT = 1 << 20  # bytes of a variant.json
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


class Property(Record):
    """One property; `str` of it is `namespace :: feature :: value`."""

    __slots__ = ("feature", "namespace", "value")
    namespace: str
    feature: str
    value: str

    def __str__(self) -> str:
        return f"{self.namespace} :: {self.feature} :: {self.value}"


def parse(text: str) -> Property:
    """Read a property. Raises ValueError for what is none (PEP 825, "Variant properties")."""
    parts = [part.strip() for part in text.split("::")] if isinstance(text, str) else []
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"{text!r} is not a property: write 'x86_64 :: level :: v3'")
    namespace, feature, value = parts
    for part, allowed in ((namespace, _NAME), (feature, _NAME), (value, _NAME | {"."})):
        if not allowed.issuperset(part):
            raise ValueError(f"{text!r} is not a property: {part!r} is not of lower-case letters, digits and '_'")
    return Property(namespace=namespace, feature=feature, value=value)


def of_variant(file: str) -> tuple[str, ...]:
    """The properties of the one variant that a `variant.json` of an installed wheel describes (PEP 825, "Variant
    metadata"). Raises DeclarationError for anything else.
    """
    import json

    from nativeload.tomlfile import regular

    try:
        with open(file, "rb", opener=regular) as opened:
            content = opened.read(_LIMIT + 1)
        if len(content) > _LIMIT:
            raise DeclarationError(file, "is larger than 1 MiB")
        (variant,) = json.loads(content)["variants"].values()
        needed = [
            (space, name, one) for space, names in variant.items() for name, all_ in names.items() for one in all_
        ]
        return tuple(str(parse(" :: ".join(parts))) for parts in needed)
    except OSError as error:
        raise DeclarationError(file, error.strerror or str(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DeclarationError(file, f"does not describe one variant: {error!r}") from None


def told(namespace: str = "") -> tuple[list[Property], list[str]]:
    """What installed distributions tell of this machine (of one namespace), and what was wrong with telling it.

    The name of an entry point is the namespace, its object a function without arguments that gives texts of
    properties, the best of each feature first. This runs its code; whatever that raises is told, and stops nothing.
    """
    from importlib.metadata import entry_points

    found: list[Property] = []
    problems: list[str] = []
    for entry in entry_points(group=GROUP):
        if namespace in ("", entry.name):
            try:
                found += _checked(entry.name, entry.load()())
            except Exception as error:
                ours = f"{entry.value} ({GROUP}: {entry.name})"
                problems.append(f"{ours}: {type(error).__name__}: {error}")
    return found, problems


def _checked(namespace: str, texts: "Iterable[str]") -> list[Property]:
    found = list(map(parse, texts))
    for one in found:
        if one.namespace != namespace:
            raise ValueError(f"'{one}' is not of the namespace {namespace}")
    return found
