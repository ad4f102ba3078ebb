"""What `--check` reads in the Python files of a distribution: who opens a library, who does without a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nativeload import metadata
from nativeload.check import sources

if TYPE_CHECKING:
    from pathlib import Path

CAUGHT = "try:\n    from . import _fast\nexcept ImportError:\n    _fast = None\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on sys.path, and nothing else."""
    for known in (sources._files, sources._loaders, sources._imports):
        known.clear()
    metadata.forget()
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    return tmp_path


def install(site: Path, **files: str) -> None:
    """A distribution `fast` whose package has these modules."""
    info = site / "fast-1.dist-info"
    info.mkdir()
    (site / "fast").mkdir()
    record = ["fast/_fast.abi3.so,,"]
    for name, text in files.items():
        path = site / "fast" / f"{name.replace('__in_', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        record.append(f"{path.relative_to(site)},,")
    (info / "RECORD").write_text("\n".join(record) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"__init__": CAUGHT}, "__init__"),
        ({"__init__": "", "speed": CAUGHT.replace(". import", "fast import")}, "speed"),
        ({"__init__": CAUGHT.replace("ImportError", "(OSError, ImportError)")}, "__init__"),
        ({"__init__": CAUGHT.replace("except ImportError", "except")}, "__init__"),
        (
            {"__init__": "def ask():\n    try:\n        import fast._fast\n    except Exception:\n        pass\n"},
            "__init__",
        ),
        # A module that needs it, itself caught:
        (
            {
                "__init__": "",
                "a": "from ._fast import x\n",
                "b": "try:\n    from . import a\nexcept ImportError: pass\n",
            },
            "b",
        ),
        (
            {"__init__": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import _fast\n", "b": CAUGHT},
            "b",
        ),
        # Somebody fails:
        ({"__init__": ""}, ""),
        ({"__init__": "from . import _fast\n", "b": CAUGHT}, ""),
        ({"__init__": CAUGHT.replace("_fast = None", "raise")}, ""),
        ({"__init__": CAUGHT.replace("ImportError", "KeyError")}, ""),
        ({"__init__": "", "b": CAUGHT, "c": "def ask():\n    from fast import _fast\n"}, ""),
        ({"__init__": "", "tests__in_test_a": CAUGHT.replace("from .", "from fast")}, ""),
        ({"__init__": "broken syntax here _fast\n"}, ""),
    ],
)
def test_who_does_without_a_module(files: dict[str, str], source: str, site: Path) -> None:
    install(site, **files)
    expected = f"{site}/fast/{source}.py" if source else ""
    assert sources.does_without("fast", f"{site}/fast/_fast.abi3.so") == expected


@pytest.mark.parametrize(
    ("text", "name", "opened", "preloaded"),
    [
        ("ctypes.CDLL('libspeed.so.1')", "libspeed.so.1", True, True),
        ("ctypes.CDLL(f'libspeed{ext}')", "libspeed-0123abcd.so.1.2", True, True),
        ("nativeload.load('speed>=2')", "libspeed.so.2", True, True),
        ("nativeload.load('openblas')", "libscipy_openblas.so", True, True),
        ("for one in glob('*'): ctypes.CDLL(one)", "libspeed.so.1", False, True),
        ("ctypes.CDLL('libother.so.1')", "libspeed.so.1", False, False),
        ("'libspeed.so.1'", "libspeed.so.1", False, False),
    ],
)
def test_who_opens_a_library(text: str, name: str, opened: bool, preloaded: bool, site: Path) -> None:
    install(site, __init__=text)
    file = f"{site}/fast/__init__.py"
    assert sources.opens("fast", f"{site}/fast.libs/{name}") == (file if opened else "")
    assert sources.preloads("fast", name, f"{site}/fast/_fast.abi3.so") == (file if preloaded else "")


def test_a_file_that_lists_is_asked_only_above(site: Path) -> None:
    """What loads all it finds does so before what its package holds, and not before a neighbour of the package."""
    install(site, __init__="for one in glob('*'): ctypes.CDLL(one)")
    assert sources.preloads("fast", "libspeed.so.1", f"{site}/_fast.abi3.so") == ""


def test_a_distribution_that_is_not_installed(site: Path) -> None:
    assert sources.opens("", "/x/libspeed.so") == sources.does_without("gone", "/x/_fast.abi3.so") == ""


def test_a_directory_of_the_packages_name_is_read_only_for_one_without_python_files(
    site: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `python -m` has the working directory on the path, where the project is that was installed."""
    project = tmp_path_factory.mktemp("project")
    (project / "fast").mkdir()
    (project / "fast" / "setup.py").write_text("import nativeload  # ask it for libfoo.so.1\n")
    monkeypatch.setattr("sys.path", [str(project), str(site)])
    install(site, __init__="")
    (site / "fast" / "_fast.abi3.so").write_bytes(b"")
    assert sources.preloads("fast", "libfoo.so.1", "") == ""
    # An editable install has its native files alone there.
    (site / "fast" / "__init__.py").unlink()
    sources._files.clear()
    sources._loaders.clear()
    assert sources.preloads("fast", "libfoo.so.1", "") == str(project / "fast" / "setup.py")
