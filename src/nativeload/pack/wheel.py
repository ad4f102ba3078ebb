"""The wheel: what goes into it, in what order, and its RECORD. The same input gives the same bytes."""

import os

from nativeload.pack import contents, distinfo, foreign, libraries, policy, required
from nativeload.pack.problems import Problem, raise_if
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import IO

_EARLIEST, _LATEST = 315532800, 4354819198  # 1980 to 2107: what a zip file's times can say
_DIGITS = 20  # of a number of seconds
_MODE = 0o100644 << 16
_CHUNK = 1 << 20


class Packed(Record):
    """A wheel that was made: its path, and `note`, what is to be known of its tag, "" for nothing."""

    __slots__ = ("note", "path")
    path: str
    note: str


def pack(
    paths: "Iterable[str]",
    *,
    name: str,
    version: str,
    include: "Iterable[str]" = (),
    licenses: "Iterable[str]" = (),
    requires: "Sequence[str]" = (),
    output: str = "dist",
) -> Packed:
    """Make a provider's wheel from libraries that are built.

    Parameters: `paths`, the libraries; `name` and `version`, the distribution's; `include`, directories of headers;
    `licenses`, files; `requires`, distributions that bring what the libraries need besides, as PEP 508 has them;
    `output`, the directory of the wheel. Raises NotPackedError, with everything that was found wrong by then.

    The format is that of the binary distribution format 1.0 (PEP 427), with PEP 639's licences and PEP 770's SBOM.
    """
    package, version = distinfo.named(name, version)
    when = _time(os.environ.get("SOURCE_DATE_EPOCH", ""))
    found = libraries.read(paths)
    elsewhere = required.sonames(requires)
    platform = _platform(found, elsewhere)
    headers, texts = contents.headers(include), distinfo.licenses(licenses)

    tag = f"py3-none-{platform.tag}"
    info = f"{package}-{version}.dist-info"
    path = os.path.join(output, f"{package}-{version}-{tag}.whl")
    os.makedirs(output, exist_ok=True)
    with _Archive(path, f"{info}/RECORD", when) as archive:
        files = {f"lib/{one.soname}": one.path for one in found}
        files.update((f"include/{below}", file) for below, file in headers.items())
        written = contents.texts(found, name, version, elsewhere, has_headers=bool(headers))
        for inner in sorted((*files, *written)):
            if inner in files:
                archive.copy(f"{package}/{inner}", files[inner])
            else:
                archive.write(f"{package}/{inner}", written[inner])
        digests = {one.soname: archive.digests[f"{package}/lib/{one.soname}"].hex() for one in found}
        for below, file in sorted(texts.items()):
            archive.copy(f"{info}/licenses/{below}", file)
        archive.write(f"{info}/sboms/nativeload.cdx.json", distinfo.sbom(found, name, version, digests))
        for below, text in distinfo.texts(found, name, package, version, tag, requires, sorted(texts)).items():
            archive.write(f"{info}/{below}", text)
    return Packed(path=path, note=platform.note)


def _platform(found: "Sequence[libraries.Library | foreign.Foreign]", elsewhere: dict[str, str]) -> policy.Platform:
    if others := [one for one in found if isinstance(one, foreign.Foreign)]:
        return foreign.platform(others, elsewhere)
    return policy.platform([one for one in found if isinstance(one, libraries.Library)], elsewhere)


def _time(epoch: str) -> tuple[int, int, int, int, int, int]:
    """When every file of the wheel was changed: SOURCE_DATE_EPOCH, else the beginning of zip files' time."""
    import time

    if epoch and not (epoch.isascii() and epoch.isdigit() and len(epoch) < _DIGITS):
        reason, remedy = "is not a number of seconds", "set it to one, or unset it"
        raise_if([Problem(subject=f"SOURCE_DATE_EPOCH={epoch}", reason=reason, remedy=remedy)])
    return time.gmtime(min(max(int(epoch or 0), _EARLIEST), _LATEST))[:6]


class _Archive:
    """A wheel that is being written, beside its place until it is whole; `digests` are those of its files."""

    def __init__(self, path: str, record: str, when: tuple[int, int, int, int, int, int]) -> None:
        self._path = path
        self._record = record
        self._when = when
        self.digests: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}

    def __enter__(self) -> "_Archive":
        from tempfile import NamedTemporaryFile
        from zipfile import ZipFile

        directory, name = os.path.split(self._path)
        self._file = NamedTemporaryFile(dir=directory, prefix=f".{name}.", delete=False)
        self._zip = ZipFile(self._file, "w")
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._write_record()
            self._zip.close()
            self._file.close()
            if kind is None:
                # As `open` would have made it: NamedTemporaryFile keeps a file to its owner.
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(self._file.name, 0o666 & ~mask)
                os.replace(self._file.name, self._path)
        finally:
            if os.path.exists(self._file.name):
                os.unlink(self._file.name)

    def write(self, name: str, text: str) -> None:
        """Add a text."""
        from io import BytesIO

        content = text.encode()
        self._add(name, BytesIO(content), len(content))

    def copy(self, name: str, path: str) -> None:
        """Add a file's content."""
        with open(path, "rb") as file:
            self._add(name, file, os.fstat(file.fileno()).st_size)

    def _add(self, name: str, source: "IO[bytes]", size: int) -> None:
        from hashlib import sha256
        from zipfile import ZIP_DEFLATED, ZipInfo

        member = ZipInfo(name, self._when)
        member.compress_type, member.external_attr, member.file_size = ZIP_DEFLATED, _MODE, size
        member.create_system = 3  # Unix: what external_attr is written for
        digest = sha256()
        with self._zip.open(member, "w") as target:
            while block := source.read(_CHUNK):
                digest.update(block)
                target.write(block)
        self.digests[name], self._sizes[name] = digest.digest(), member.file_size

    def _write_record(self) -> None:
        import csv
        from base64 import urlsafe_b64encode
        from io import StringIO

        text = StringIO()
        rows = csv.writer(text, lineterminator="\n")
        for name, digest in self.digests.items():
            encoded = urlsafe_b64encode(digest).decode().rstrip("=")
            rows.writerow((name, f"sha256={encoded}", self._sizes[name]))
        rows.writerow((self._record, "", ""))
        self.write(self._record, text.getvalue())
