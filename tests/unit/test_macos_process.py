"""The Python backend's account of a macOS process, from real Mach-O bytes in memory; dyld's own functions are given."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import TYPE_CHECKING, Any

import pytest

from nativeload._pure import macos
from scenarios.dylibs import dylib

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.once


def in_memory(content: bytes) -> Any:
    return ctypes.create_string_buffer(content, len(content))


@pytest.mark.parametrize("arch", ["arm64", "x86_64"])
def test_images_are_listed_by_path_and_install_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arch: str) -> None:
    library = dylib(tmp_path / "liba.dylib", install_name="/opt/lib/liba.1.dylib", arch=arch)
    program = bytearray(library.read_bytes())
    commands = in_memory(library.read_bytes())
    at = program.index(struct.pack("<I", 0xD), 32)  # its LC_ID_DYLIB becomes one that has no meaning
    program[at : at + 4] = struct.pack("<I", 0x7F)
    nameless = in_memory(bytes(program))
    paths = [in_memory(one + b"\0") for one in (b"/bin/python", b"/lib/liba.dylib", b"/lib/b.so", b"/gone")]
    headers = [nameless, commands, nameless, None]
    functions = {
        "_dyld_image_count": lambda: 4,
        "_dyld_get_image_name": lambda place: ctypes.addressof(paths[place]),
        "_dyld_get_image_header": lambda place: headers[place] and ctypes.addressof(headers[place]),
    }
    monkeypatch.setattr(macos, "c_function", lambda name, *_: functions[name])
    assert macos.linkmap() == (("", None), ("/lib/liba.dylib", "/opt/lib/liba.1.dylib"), ("/lib/b.so", None))


@pytest.mark.parametrize(
    "content",
    [
        b"\xcf\xfa\xed\xfe".ljust(32, b"\0"),
        b"\x7fELF".ljust(64, b"\0"),
        # One command that is longer than all of them, one of no length, one whose text begins behind it.
        struct.pack("<8I", 0xFEEDFACF, 0, 0, 6, 1, 16, 0, 0) + struct.pack("<4I", 0xD, 64, 24, 0),
        struct.pack("<8I", 0xFEEDFACF, 0, 0, 6, 9, 16, 0, 0) + struct.pack("<4I", 0xC, 0, 24, 0),
    ],
)
def test_bytes_that_say_nothing_have_no_name(content: bytes) -> None:
    assert macos.install_name(ctypes.addressof(in_memory(content))) is None


def test_the_search_path_is_the_environment_s(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    assert macos.search_path() == [("/usr/local/lib", "default"), ("/usr/lib", "default")]
    monkeypatch.setitem(os.environ, "DYLD_LIBRARY_PATH", "/a::/b")
    monkeypatch.setitem(os.environ, "DYLD_FALLBACK_LIBRARY_PATH", "/c")
    assert macos.searched() == ["/a", "/b", "/c"]


def test_the_version_is_the_system_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def sysctlbyname(name: bytes, text: Any, *_: object) -> int:
        text.value = b"15.1"
        return int(name != b"kern.osproductversion")

    monkeypatch.setattr(macos, "c_function", lambda *_: sysctlbyname)
    assert macos.libc() == ("macos", "15.1")
    monkeypatch.setattr(macos, "c_function", lambda *_: lambda *_: -1)
    assert macos.libc() == ("macos", "")
