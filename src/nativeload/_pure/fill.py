"""Records are filled here: they refuse to be changed in any other way."""


def fill(record: object, fields: dict[str, object], /) -> None:
    """Set these attributes of a record."""
    for name, value in fields.items():
        object.__setattr__(record, name, value)
