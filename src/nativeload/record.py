"""The base of the project's records: frozen, slotted, keyword-only. `dataclasses` costs milliseconds to import."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self, dataclass_transform
else:

    def dataclass_transform(**_: object) -> object:
        return lambda cls: cls


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """Fields are the subclass's `__slots__`; each must be given, by name, when one is made."""

    __slots__: "tuple[str, ...]" = ()

    def __init__(self, **fields: object) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, fields.pop(name))
        if fields:
            raise TypeError(f"{type(self).__name__} has no field {next(iter(fields))!r}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def _fields(self) -> "dict[str, Any]":
        return {name: getattr(self, name) for name in self.__slots__}

    def replace(self, **changes: object) -> "Self":
        """A copy with some fields changed."""
        return type(self)(**{**self._fields(), **changes})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), *self._fields().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._fields().items())})"

    def __reduce__(self) -> "tuple[object, ...]":
        return _rebuild, (type(self), self._fields())


def _rebuild(cls: "type[Record]", fields: "dict[str, Any]") -> Record:
    return cls(**fields)
