"""A wheel's files, unpacked where they can be read: nothing in it is run, and nothing is written elsewhere."""

import contextlib
import glob
import os
import re
import shutil
import tempfile
import zipfile

from nativeload.errors import ImageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What real wheels stay below; beyond it a file is meant to fill the disk.
MOST_FILES = 100_000
MOST_BYTES = 8 << 30
MOST_TIMES = 100  # as large as the archive is all that is unpacked of it, if that is not little
LITTLE = 64 << 20
_BLOCK = 1 << 20
# What an installer puts where packages are (the wheel's specification, "Installing a wheel").
_PACKAGES = re.compile(r"^[^/\n]+\.data/(?:pure|plat)lib/(?=.)", re.MULTILINE)


@contextlib.contextmanager
def unpacked(path: str) -> "Iterator[str]":
    """A temporary directory with the files of a wheel, where an installer would put them; it goes when the block ends.

    Scripts, data and headers, which belong elsewhere, stay below their `*.data`. Raises ImageError where the wheel cannot
    be read, has a name that leads out of it or is there twice, is encrypted or compressed as no wheel is, or is larger
    than any wheel.
    """
    home = tempfile.mkdtemp(prefix="nativeload-wheel-")
    try:
        unpack(path, home, lambda info: _PACKAGES.sub("", info.filename))
        for record in glob.glob("*.dist-info/RECORD", root_dir=home):
            with open(f"{home}/{record}", "r+", encoding="utf-8", errors="surrogateescape", newline="") as file:
                text = _PACKAGES.sub("", file.read())
                file.seek(0)
                file.write(text)
                file.truncate()
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def unpack(path: str, home: str, place: "Callable[[zipfile.ZipInfo], str]") -> None:
    """Unpack a wheel's files below a directory, each where `place` has it, "" for one that is left out.

    Raises ImageError as `unpacked` does.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(path, archive, home, place)
    except ImageError:
        raise
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ImageError(path, f"is no wheel that can be read: {error}") from None
    except Exception as error:  # zlib.error, struct.error, …: whatever the content makes a decoder raise
        raise ImageError(path, f"is no wheel that can be read: {type(error).__name__}: {error}") from None


def _unpack(path: str, archive: zipfile.ZipFile, home: str, place: "Callable[[zipfile.ZipInfo], str]") -> None:
    seen = set()
    left = most = min(MOST_BYTES, max(LITTLE, MOST_TIMES * os.path.getsize(path)))
    names = archive.infolist()
    if len(names) > MOST_FILES:
        raise ImageError(path, f"has {len(names)} files; no wheel has more than {MOST_FILES}")
    for info in names:
        parts = info.filename.rstrip("/").split("/")
        odd = "\\" in info.filename or "\0" in info.filename or ":" in parts[0]
        if odd or any(part in ("", ".", "..") for part in parts):
            raise ImageError(path, f"has a file {info.filename!r}, which leads out of the wheel")
        name = place(info)
        if not name:
            continue
        if name in seen:
            raise ImageError(path, f"has two files {name!r}")
        seen.add(name)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Others are asked by the file how much memory to take.
            raise ImageError(path, f"has a file {name!r} that is compressed as none of a wheel is")
        if ".dist-info/" in name and info.file_size > LITTLE:
            raise ImageError(path, f"has a file {name!r} that is larger than {LITTLE >> 20} MiB")
        if info.is_dir():
            continue
        target = os.path.join(home, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        # Made anew: a link that the wheel brought itself is not followed. Links are unpacked as what they hold.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with archive.open(info) as source, open(descriptor, "wb") as file:
            while block := source.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise ImageError(path, f"holds more than {most >> 20} MiB; no wheel of its size does")
                file.write(block)
