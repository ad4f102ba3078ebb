"""`load("openblas")` gives, from wheels and from Debian's package, a library that multiplies right."""

from __future__ import annotations

import os

import pytest

from integration import layouts
from integration.openblas import EVERY, PRODUCT, OpenBLAS, openblas
from integration.projects import nativeload_site, python_path
from parts import run, site, wheel

SHOW = """
library = nativeload.load(sys.argv[1])
cblas, solve, integer = sys.argv[2], sys.argv[3], int(sys.argv[4])
print(json.dumps({
    "ctypes": by_ctypes(library, cblas, integer) == EXACT,
    "cffi": by_cffi(library, cblas, integer) == EXACT,
    "integer": integer_width(library, solve),
    "facts": [library.name, library.path, library.soname, library.version, library.origin, library.abi],
    "provider": library.provider and [library.provider.distribution, library.provider.version],
    "same": library.ctypes._handle == library.handle,
    "address": library.symbol(cblas) == ctypes.cast(getattr(library.ctypes, cblas), ctypes.c_void_p).value,
}))
"""
CONFIG = """
function = getattr(nativeload.load("openblas").ctypes, sys.argv[1])
function.restype = ctypes.c_char_p
print(function().decode())
"""


@pytest.fixture(scope="session", params=EVERY)
def blas(request: pytest.FixtureRequest) -> OpenBLAS:
    return openblas(request.param)


def test_product_is_exact(blas: OpenBLAS) -> None:
    pytest.importorskip("cffi")
    arguments = ("openblas", blas.cblas, blas.solve, str(blas.integer))
    shown = run(layouts.bare(), PRODUCT + SHOW, *arguments, env=blas.env).check().json
    assert shown["ctypes"]
    assert shown["cffi"]
    assert shown["integer"] == blas.integer
    assert shown["same"]
    assert shown["address"]
    name, path, soname, version, origin, features = shown["facts"]
    assert (name, soname, version, origin) == ("openblas", blas.soname, blas.version, blas.origin)
    assert tuple(features) == blas.features
    assert path.startswith(os.fspath(blas.root))
    assert shown["provider"] == (blas.provider and [blas.provider, blas.version])

    without = run(layouts.bare(), PRODUCT + SHOW, *arguments, env={"PYTHONPATH": nativeload_site()})
    assert os.fspath(blas.root) not in without.stdout


def test_version_is_the_library_s_own(blas: OpenBLAS) -> None:
    symbol = blas.cblas.replace("cblas_dgemm", "openblas_get_config")
    said = run(layouts.bare(), PRODUCT + CONFIG, symbol, env=blas.env).check().stdout
    assert said.startswith("OpenBLAS ")
    # "0.3.34.dev" of 0.3.34.481.3
    assert blas.version.split(".")[:3] == said.split()[1].split(".")[:3]
    assert ("USE64BITINT" in said) == (blas.integer == 8)


def test_features_name_the_symbols(blas: OpenBLAS) -> None:
    """What `abi` says is enough to call the library, and what another one would say is refused."""
    code = """
library = nativeload.load("openblas")
told = dict(feature.split("=") for feature in library.abi if "=" in feature)
symbol = f"{told.get('prefix', '')}cblas_dgemm{told.get('suffix', '')}"
integer = 8 if "ilp64" in library.abi else 4
assert symbol == sys.argv[1]
print(json.dumps(by_ctypes(library, symbol, integer) == EXACT))
"""
    assert run(layouts.bare(), PRODUCT + code, blas.cblas, env=blas.env).check().json is True
    wrong = "cblas_dgemm" if blas.provider else "scipy_cblas_dgemm64_"
    code = f"nativeload.load('openblas').symbol({wrong!r})"
    refused = run(layouts.bare(), PRODUCT + code, env=blas.env)
    assert f"has no symbol '{wrong}'; the nearest it has: " in refused.stderr
    assert f"{blas.cblas}" in refused.stderr


def test_the_other_width_is_refused(blas: OpenBLAS) -> None:
    mine, other = ("ilp64", "lp64") if blas.integer == 8 else ("lp64", "ilp64")

    def explained(requirement: str) -> str:
        return run(
            layouts.bare(), f"import nativeload; print(nativeload.explain({requirement!r}))", env=blas.env
        ).stdout

    found = f"openblas[{mine}]>={blas.version}"
    assert explained(found).startswith(f"{found}: {blas.root}")
    # The machine may have another that will do; this one is refused.
    assert f"asked for {other}; it has {', '.join(blas.features)}" in explained(f"openblas[{other}]")
    assert f"is version {blas.version} (" in explained(f"openblas[{mine}]<{blas.version}")
    assert f"is version {blas.version} (" in explained(f"openblas[{mine}]>{blas.version}")


def test_each_width_where_both_wheels_are_installed() -> None:
    pytest.importorskip("cffi")
    code = """
wide, narrow = nativeload.load("openblas[ilp64]"), nativeload.load("openblas[lp64]")
assert by_ctypes(wide, "scipy_cblas_dgemm64_", 8) == EXACT
assert by_ctypes(narrow, "scipy_cblas_dgemm", 4) == EXACT
assert by_cffi(wide, "scipy_cblas_dgemm64_", 8) == EXACT
assert by_cffi(narrow, "scipy_cblas_dgemm", 4) == EXACT
assert wide.handle != narrow.handle
assert nativeload.load("openblas[ilp64]") is wide
print(json.dumps([wide.soname, narrow.soname, [image.soname for image in nativeload.loaded() if image.name]]))
"""
    env = {"PYTHONPATH": python_path(site(wheel("scipy-openblas32"), wheel("scipy-openblas64")))}
    shown = run(layouts.bare(), PRODUCT + code, env=env).check().json
    expected = ["libscipy_openblas64_.so", "libscipy_openblas.so"]
    assert shown == [*expected, expected]


@pytest.mark.parametrize(
    ("requirement", "symbols", "soname"),
    [
        ("openblas", ["scipy_cblas_dgemm64_"], "libscipy_openblas64_.so"),
        ("openblas", ["scipy_cblas_dgemm"], "libscipy_openblas.so"),
        ("openblas", ["cblas_dgemm"], "libopenblas.so.0"),
        ("openblas[suffix=64_]", [], "libscipy_openblas64_.so"),
        pytest.param("openblas<0.3.30", [], "libopenblas.so.0", marks=pytest.mark.debian12),
        ("libopenblas.so.0", [], "libopenblas.so.0"),
        ("libopenblas.so", [], "libopenblas.so.0"),
    ],
)
def test_what_is_asked_decides_between_three(requirement: str, symbols: list[str], soname: str) -> None:
    debian = openblas("libopenblas0-pthread")
    both = site(wheel("scipy-openblas32"), wheel("scipy-openblas64"))
    env = {**debian.env, "PYTHONPATH": python_path(both)}
    code = f"import nativeload; print(nativeload.load({requirement!r}, symbols={symbols!r}).soname)"
    assert run(layouts.bare(), code, env=env).check().stdout == f"{soname}\n"
