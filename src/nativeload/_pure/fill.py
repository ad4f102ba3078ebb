"""Records are filled here: they refuse to be changed in any other way."""


def fill(record: object, names: tuple[str, ...], fields: dict[str, object], /) -> None:
    """Set each of these attributes of a record."""
    for name in names:
        object.__setattr__(record, name, fields[name])
