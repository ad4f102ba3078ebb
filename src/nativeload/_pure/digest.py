"""The digest of bytes that names cache files. Not cryptographic, and nothing else belongs here."""

_OFFSET_BASIS = 0xCBF29CE484222325
_PRIME = 0x100000001B3
_MASK = 0xFFFFFFFFFFFFFFFF


def digest(data: bytes, /) -> str:
    """FNV-1a, 64 bits, as 16 hex digits."""
    value = _OFFSET_BASIS
    for byte in data:
        value = ((value ^ byte) * _PRIME) & _MASK
    return f"{value:016x}"
