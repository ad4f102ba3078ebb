"""The `.dist-info` of a provider's wheel, but for RECORD: core metadata, tags, entry points, licences, SBOM."""

from nativeload.pack.problems import Problem, raise_if

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nativeload.pack.foreign import Foreign
    from nativeload.pack.libraries import Library

_DESCRIPTION = """\
The shared libraries {shipped}, for any package to load:

    import nativeload

    nativeload.load("{library}")

and to be built against: `python -m nativeload --cflags {library}` and `--libs {library}` print the flags."""


def named(name: str, version: str) -> tuple[str, str]:
    """(package, version) of a distribution: its normalized name as an identifier, its version as PEP 440 writes it.

    Raises NotPackedError for a name or a version that the specifications of names (PEP 503) or versions refuse.
    """
    from packaging.utils import InvalidName, canonicalize_name
    from packaging.version import InvalidVersion, Version

    problems = []
    package, normal = "", ""
    try:
        package = canonicalize_name(name, validate=True).replace("-", "_")
        if not package.isidentifier():
            reason = f"its package would be {package!r}, which is no name of Python's"
            problems.append(Problem(subject=name, reason=reason, remedy="choose a --name that begins with a letter"))
    except InvalidName:
        reason = "is not a distribution's name: letters, digits, and '-', '_' or '.' between them"
        problems.append(Problem(subject=repr(name), reason=reason, remedy="write, for example, --name foo-lib"))
    try:
        normal = str(Version(version))
    except InvalidVersion:
        reason = "is not a version that PEP 440 can read"
        problems.append(Problem(subject=repr(version), reason=reason, remedy="write, for example, --version 1.2.post1"))
    raise_if(problems)
    return package, normal


def licenses(paths: "Iterable[str]") -> dict[str, str]:
    """{path below `licenses`: the file}. Raises NotPackedError for one that is not there, and for two of a name."""
    import os

    problems: list[Problem] = []
    found: dict[str, str] = {}
    for path in paths:
        name = os.path.basename(path)
        if not os.path.isfile(path) or not name.isprintable():
            problems.append(Problem(subject=path, reason="is not a file", remedy="--license takes the licence's text"))
        elif found.setdefault(name, path) != path:
            reason = f"has the same name as {found[name]}"
            problems.append(Problem(subject=path, reason=reason, remedy="give it a name of its own"))
    raise_if(problems)
    return found


def texts(
    libraries: "Sequence[Library | Foreign]",
    name: str,
    package: str,
    version: str,
    tag: str,
    requires: "Sequence[str]",
    license_files: "Iterable[str]",
) -> dict[str, str]:
    """METADATA, WHEEL and entry_points.txt, by their paths in the `.dist-info`."""
    from nativeload.loader import VERSION

    shipped = ", ".join(one.soname for one in libraries)
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        f"Summary: Shared libraries: {shipped}",
        *(f"License-File: {one}" for one in license_files),
        *(f"Requires-Dist: {one}" for one in requires),
        "Description-Content-Type: text/markdown",
        "",
        _DESCRIPTION.format(shipped=shipped, library=libraries[0].name),
    ]
    wheel = ["Wheel-Version: 1.0", f"Generator: nativeload {VERSION}", "Root-Is-Purelib: false", f"Tag: {tag}"]
    # scikit-build-core imports the package and adds its directory to CMAKE_PREFIX_PATH; pkgconf-pypi finds the
    # directory without importing, and searches it. The names of these two entry points mean nothing to them.
    points = [
        "[cmake.prefix]",
        f"{name} = {package}",
        "",
        "[nativeload.libraries]",
        *(f"{one.name} = {package}" for one in libraries),
        "",
        "[pkg_config]",
        f"{name} = {package}.lib.pkgconfig",
    ]
    lines = {"METADATA": metadata, "WHEEL": wheel, "entry_points.txt": points}
    return {path: "".join(f"{line}\n" for line in text) for path, text in lines.items()}


def sbom(libraries: "Sequence[Library | Foreign]", name: str, version: str, digests: dict[str, str]) -> str:
    """A software bill of materials (PEP 770): CycloneDX 1.5, of the wheel and each library with its SHA-256.

    `digests` are those of the libraries, in hex, by soname. Without a serial number and a time it is the same each time.
    """
    import json

    from packaging.utils import canonicalize_name

    from nativeload.loader import VERSION

    whole = f"pkg:pypi/{canonicalize_name(name)}@{version}"
    components = [
        {
            "type": "library",
            "bom-ref": f"{whole}#{one.soname}",
            "name": one.soname,
            "version": version,
            "hashes": [{"alg": "SHA-256", "content": digests[one.soname]}],
            **({"properties": [{"name": "build-id", "value": one.build_id}]} if one.build_id else {}),
        }
        for one in libraries
    ]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "library", "bom-ref": whole, "name": name, "version": version, "purl": whole},
            "tools": {"components": [{"type": "application", "name": "nativeload", "version": VERSION}]},
        },
        "components": components,
        "dependencies": [
            {"ref": whole, "dependsOn": [one["bom-ref"] for one in components]},
            *({"ref": one["bom-ref"]} for one in components),
        ],
    }
    return json.dumps(document, indent=2) + "\n"
