"""The loaded finder: what the process has already is the answer, or the reason why there is none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from unit.specimens import NAME, declaration, provider, specimen
from unit.trial import ask, trial


def _mapping(*paths: Path) -> str:
    return "import ctypes\n" + "".join(f"ctypes.CDLL({str(path)!r})\n" for path in paths)


@pytest.fixture
def loaded(tmp_path: Path, good: Path) -> Path:
    (tmp_path / "loaded").mkdir()
    return Path(shutil.copy(good, tmp_path / "loaded" / "any-name.so"))


@pytest.fixture
def wheel(tmp_path: Path, good: Path) -> Path:
    return provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good}) / NAME


@pytest.mark.parametrize("requirement", ["specimen", "libspecimen.so", "libspecimen.so.1"])
def test_by_soname(requirement: str, loaded: Path, wheel: Path, tmp_path: Path) -> None:
    answer = trial(requirement, tmp_path / "site", before=_mapping(loaded))
    assert (answer.library["path"], answer.library["origin"]) == (str(loaded), "loaded")
    assert answer.mapped_below(tmp_path) == [str(loaded)]
    # Without it in the process, the wheel's is loaded.
    assert trial(requirement, tmp_path / "site").library["path"] == str(wheel)


def test_another_soname_is_another_library(tmp_path: Path, wheel: Path) -> None:
    others = [
        specimen(tmp_path / f"{n}.so", soname=n) for n in ("libspecimens.so.1", "xlibspecimen.so.1", "libspecimen")
    ]
    answer = trial("specimen", tmp_path / "site", before=_mapping(*others))
    assert answer.library["path"] == str(wheel)


def test_by_file_identity(tmp_path: Path) -> None:
    """Without a soname nothing tells that it is there; but one file is one copy, whatever it is called."""
    library = specimen(tmp_path / "a.so", soname="")
    os.link(library, tmp_path / "b.so")
    code = (
        "import ctypes, json, nativeload, sys\n"
        "first = ctypes.CDLL(sys.argv[1])\n"
        "print(json.dumps(nativeload.load('specimen').handle == first._handle))"
    )
    (tmp_path / "c.so").write_bytes(library.read_bytes())
    for name, same in (("b.so", True), ("c.so", False)):
        env = {"NATIVELOAD_SPECIMEN": tmp_path / name}
        assert ask(code, arguments=[str(library)], env=env) is same


def test_the_wheels_own_copy_keeps_its_provider(wheel: Path, tmp_path: Path) -> None:
    answer = trial("specimen==1.0", tmp_path / "site", before=_mapping(wheel))
    facts = answer.library
    assert (facts["path"], facts["origin"], facts["provider"], facts["version"]) == (
        str(wheel),
        "loaded",
        "some-wheel",
        "1.0",
    )


@pytest.mark.parametrize("soname", ["libspecimen.so.1", "libspecimen.so.2"])
def test_a_version_that_will_not_do_ends_the_search(soname: str, tmp_path: Path) -> None:
    """A wheel has what is asked for, but the process has another: said, and no second copy mapped."""
    old = specimen(tmp_path / "old" / "libspecimen.so.1.2", soname="libspecimen.so.1")
    new = specimen(tmp_path / "new.so", soname=soname)
    home = provider(tmp_path / "site", "some-wheel", declaration(version="2.0"), files={NAME: new})
    answer = trial("specimen>=2", tmp_path / "site", before=_mapping(old))
    assert answer.error == "ABIMismatchError"
    assert f"loaded   rejected {old}: is version 1.2 (from the file's name); >=2 was asked for" in answer.text
    assert answer.mapped_below(tmp_path) == [str(old)]
    # Where the process does not have it, or the version will do, it works.
    assert trial("specimen>=2", tmp_path / "site").library["path"] == str(home / NAME)
    assert trial("specimen>=1.1", tmp_path / "site", before=_mapping(old)).library["path"] == str(old)


def test_a_symbol_that_only_another_copy_has(tmp_path: Path, loaded: Path) -> None:
    newer = specimen(tmp_path / NAME, source="int specimen_answer(void) { return 42; } int news(void) { return 1; }")
    home = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: newer})
    answer = trial("specimen", tmp_path / "site", symbols=["news"], before=_mapping(loaded))
    assert answer.error == "ABIMismatchError"
    assert "does not export news" in answer.text
    assert f"loaded   rejected {loaded}: does not export news" in answer.text
    assert str(home / NAME) in answer.text
    assert answer.mapped_below(tmp_path) == [str(loaded)]
    assert trial("specimen", tmp_path / "site", symbols=["news"]).library["path"] == str(home / NAME)


def test_a_copy_whose_file_is_gone(tmp_path: Path, loaded: Path, wheel: Path) -> None:
    """A package manager replaced it while the process ran: still no second copy, and no crash."""
    before = _mapping(loaded) + f"import os; os.unlink({str(loaded)!r})\n"
    answer = trial("specimen", tmp_path / "site", before=before)
    assert answer.error == "ABIMismatchError"
    assert str(loaded) in answer.text
    assert str(wheel) not in answer.mapped


@pytest.mark.parametrize("kind", ["gone", "replaced by a text"])
def test_a_dependency_whose_file_is_gone(kind: str, tmp_path: Path) -> None:
    """What is mapped satisfies a DT_NEEDED, whatever became of its file."""
    script = tmp_path / "map"
    script.write_text("BASE_1 { global: base; };")
    source = "int base(void) { return 1; }"
    base = specimen(tmp_path / "libbase.so.1", f"-Wl,--version-script={script}", soname="libbase.so.1", source=source)
    top = specimen(tmp_path / NAME, base, source="int base(void); int top(void) { return base(); }")
    spoil = "os.unlink(base)" if kind == "gone" else "os.unlink(base); open(base, 'w').write('INPUT(x)')"
    before = _mapping(base) + f"import os; base = {str(base)!r}; {spoil}\n"
    answer = trial("specimen", env={"NATIVELOAD_SPECIMEN": top}, before=before)
    assert answer.library["path"] == str(top)
    assert trial("specimen", env={"NATIVELOAD_SPECIMEN": top}).error == "OverrideError"
