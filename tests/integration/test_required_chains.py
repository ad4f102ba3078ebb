"""Providers that need providers, each a wheel of its own, and many consumers of one: order, and one copy of each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from integration.projects import project, provider_wheel, python_path
from integration.requiring import consumer
from parts import build_wheel, cc, maps, run, site, venv

pytestmark = pytest.mark.once

# A chain of three, one that needs two of it, and the consumer's table, which names them the wrong way round.
NEEDS = {"base": [], "middle": ["base"], "left": ["base"], "top": ["left", "middle"]}
REQUIRES = 'top = ""\nmiddle = ""\nleft = ""\nbase = ""'
TOP = "int top(void);\n#define ANSWER() PyLong_FromLong(top())"


def providers(root: Path, *, declared: bool = False) -> dict[str, Path]:
    """A provider for each library, in a wheel of its own; no library has an rpath. What a library needs, its package
    requires, or with `declared` the library itself.
    """
    built: dict[str, Path] = {}
    found = {}
    for name, others in NEEDS.items():
        home = root / name / "src" / f"{name}_lib"
        calls = " + ".join(["1", *(f"{one}()" for one in others)])
        source = "".join(f"int {one}(void); " for one in others) + f"int {name}(void) {{ return {calls}; }}"
        flags: list[str | Path] = [*(built[one] for one in others), f"-Wl,-soname,lib{name}.so.1"]
        built[name] = cc(source, home / "lib" / f"lib{name}.so.1", *flags)
        requires = "".join(f'{one} = ""\n' for one in others)
        toml = f'[library.{name}]\npath = "lib/lib{name}.so.1"\n'
        toml += f"requires = {others}\n[requires]\n" if declared else f"[requires]\n{requires}"
        imports = "".join(f"import {one}_lib\n" for one in others)
        (home / "nativeload.toml").write_text(toml, encoding="utf-8")
        (home / "__init__.py").write_text(f"{imports}import nativeload\nnativeload.load_required(__name__)\n")
        found[name] = build_wheel(project(root / name, f"{name}-lib", "1", {name: f"{name}_lib"}))
    return found


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return providers(tmp_path_factory.mktemp("providers"))


@pytest.fixture(scope="module")
def user(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A consumer of `top` that requires all, and one that forgets `base`."""
    packages = {"user": REQUIRES, "forgets": 'top = ""\nmiddle = ""\nleft = ""', "trusts": 'top = ""'}
    library = site(wheels["top"]) / "top_lib" / "lib" / "libtop.so.1"
    depends = tuple(f"{name}-lib" for name in wheels)
    return consumer(tmp_path_factory.mktemp("user"), packages, library, source=TOP, depends=depends)


def test_a_chain_and_a_diamond(wheels: dict[str, Path], user: Path) -> None:
    python = venv(sys.executable, *wheels.values(), user)
    env = {"PYTHONPATH": python_path()}
    said = run(python, "import user; print(user.ask(), *user.libraries)", env=env).check().stdout.split()
    assert said[0] == "5"
    order = said[1:]
    assert all(order.index(one) < order.index(name) for name, others in NEEDS.items() for one in others)
    forgotten = run(python, "import forgets", env=env).stderr
    assert "needs libbase.so.1, which is not found" in forgotten
    assert "\n  forgets requires it (" in forgotten
    assert "libtop.so.1: cannot open" in run(python, "import user", env={**env, "WITHOUT_LOAD": "1"}).stderr


def test_libraries_that_say_what_they_require(wheels: dict[str, Path], user: Path, tmp_path: Path) -> None:
    """Then the consumer names only the one that it calls; without the providers' words that is not enough."""
    code = "import trusts; print(trusts.ask(), *trusts.libraries)"
    env = {"PYTHONPATH": python_path()}
    telling = providers(tmp_path, declared=True)
    assert run(venv(sys.executable, *telling.values(), user), code, env=env).check().stdout == "5 top\n"
    refused = run(venv(sys.executable, *wheels.values(), user), code, env=env).stderr
    assert "needs libleft.so.1, which is not found" in refused


def test_providers_that_load_what_they_require(wheels: dict[str, Path]) -> None:
    """The provider's package may be imported too: each loads what it requires, from the bottom up."""
    python = venv(sys.executable, *wheels.values())
    env = {"PYTHONPATH": python_path()}
    load = "import nativeload; print(nativeload.load('top').ctypes.top())"
    assert run(python, f"import top_lib; {load}", env=env).check().stdout == "5\n"
    assert "needs libleft.so.1, which is not found" in run(python, load, env=env).stderr


def test_ten_consumers_have_one_copy(tmp_path: Path) -> None:
    """As the kernel has it: of the library's files, one is mapped, whatever each consumer asks for."""
    provided = provider_wheel(tmp_path / "provider")
    library = site(provided) / "answer_provider" / "lib" / "libanswer.so.1"
    packages = {f"user{number}": f'answer = ">=1.{number % 3}"' for number in range(10)}
    python = venv(sys.executable, provided, consumer(tmp_path / "users", packages, library))
    code = maps() + f"import {', '.join(packages)}\nprint(*({'.ask(), '.join(packages)}.ask()))\n"
    code += "print(sum('/_extension' in one for one in mapped()), sum('libanswer' in one for one in mapped()))\n"
    env = {"PYTHONPATH": python_path()}
    assert run(python, code, env=env).check().stdout == "42 " * 9 + "42\n10 1\n"
    # A copy at another path is counted: the linker maps it beside the first.
    second = tmp_path / "libanswer.so.1"
    second.write_bytes(library.read_bytes())
    more = f"import ctypes; ctypes.CDLL({str(second)!r}); print(sum('libanswer' in one for one in mapped()))"
    assert run(python, code + more, env=env).check().stdout.splitlines()[-1] == "2"
