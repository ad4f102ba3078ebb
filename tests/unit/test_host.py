"""What this machine gives a library, against the compiler's CPUID, the linker and a driver of a known version.

No test machine need have a GPU: the driver is a library with the one function that is asked, first in LD_LIBRARY_PATH.
What NVIDIA's own driver says is checked by `python -m tests.cuda`, on a machine that has one.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nativeload
from nativeload import host, properties
from parts import cc, wheel
from parts import site as installed
from unit.specimens import NAME, age, declaration, provider, specimen
from unit.trial import ask, nativeload_path, trial, trials

OLD, NEW = "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime"

x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64's features")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories with a driver of each CUDA version, and with one that answers no version."""
    place = tmp_path_factory.mktemp("drivers")
    said = {"12.4": "*v = 12040; return 0", "13.0": "*v = 13000; return 0", "11.8": "*v = 11080; return 0"}
    said["stub"] = "(void)v; return 34"
    for name, body in said.items():
        source = f"int cuDriverGetVersion(int *v) {{ {body}; }}"
        cc(source, place / name / "libcuda.so.1", "-Wl,-soname,libcuda.so.1")
    cc("int other;", place / "empty" / "libcuda.so.1", "-Wl,-soname,libcuda.so.1")
    (place / "text").mkdir()
    (place / "text" / "libcuda.so.1").write_text("not a library\n")
    return {one.name: one for one in place.iterdir()}


FIRST = (
    ("find_spec('z')", False),
    ("explain('openblas')", False),
    ("loaded()", False),
    ("host.cuda_version()", True),
    ("find_spec('cudart')", True),
)


def asked(directory: Path, expression: str, *sites: Path) -> object:
    code = f"import json, nativeload; print(json.dumps({expression}))"
    return ask(code, *sites, *nativeload_path(), env={"LD_LIBRARY_PATH": directory})


@x86_64
def test_the_cpu_is_the_compilers(tmp_path: Path) -> None:
    """`__builtin_cpu_supports` asks the CPU itself."""
    names = [
        "avx",
        "avx2",
        "avx512f",
        "avx512bw",
        "avx512vl",
        "avx512vnni",
        "bmi",
        "bmi2",
        "f16c",
        "fma",
        "popcnt",
        "sse3",
        "ssse3",
        "sse4.1",
        "sse4.2",
        "aes",
    ]
    calls = "".join(f'printf("{name} %d\\n", __builtin_cpu_supports("{name}") != 0);' for name in names)
    source = f"#include <stdio.h>\nint main(void) {{ __builtin_cpu_init(); {calls} return 0; }}"
    program = cc(source, tmp_path / "cpu", shared=False)
    said = dict(line.split() for line in subprocess.check_output([program], text=True).splitlines())
    ours = {"bmi": "bmi1", "avx512vnni": "avx512_vnni", "sse4.1": "sse4_1", "sse4.2": "sse4_2"}
    features = {name: f"x86_64 :: {ours.get(name, name)} :: on" for name in names}
    assert {name: str(int(host.supports(text) is True)) for name, text in features.items()} == said
    assert host.supports("x86_64 :: no_such_thing :: on") is False
    assert "1" in said.values()


# What qemu's CPUs give a program, and what the kernel's header calls it: AT_HWCAP, AT_HWCAP2, names.
HWCAPS = {
    "cortex-a53": (0x8FB, 0, "fp asimd aes pmull sha1 sha2 crc32 cpuid"),
    "a64fx": (
        0x415FFB, 0,
        "fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm fcma dcpop sve",
    ),
    "neoverse-n1": (
        0x119FFB, 0,
        "fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    ),
    "max": (
        0xECFFFFFB, 0x7F877FFF,
        ("fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 sm3 sm4 asimddp "
        "sha512 sve asimdfhm ilrcpc flagm sb paca pacg dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint "
        "svei8mm svef32mm svef64mm svebf16 i8mm bf16 rng bti mte sme smei16i64 smef64f64 smei8i32 smef16f32 smeb16f32 "
        "smef32f32 smefa64"),
    ),
}  # fmt: skip
# The line "Features" of /proc/cpuinfo, which the kernel prints in the order of the bits.
CPUINFO = {
    "Cortex-A72": "fp asimd evtstrm crc32 cpuid",
    "X-Gene 2": "fp asimd evtstrm aes pmull sha1 sha2 crc32",
    "Kryo 485": "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    "Apple M1": "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 "
    "asimddp sha512 asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg dcpodp flagm2 frint",
}


def auxv(*, hwcap: int, hwcap2: int) -> bytes:
    """An auxiliary vector with other entries before, between and after."""
    entries = [(33, 0x7FFF0000), (16, hwcap), (6, 4096), (26, hwcap2), (51, 4720), (0, 0)]
    return b"".join(number.to_bytes(8, sys.byteorder) for entry in entries for number in entry)


@pytest.mark.parametrize("cpu", HWCAPS)
def test_the_features_of_aarch64_are_the_kernels_bits(cpu: str) -> None:
    hwcap, hwcap2, names = HWCAPS[cpu]
    assert list(host._of_hwcaps(auxv(hwcap=hwcap, hwcap2=hwcap2))) == names.split()
    assert list(host._of_hwcaps(auxv(hwcap=0, hwcap2=0))) == list(host._of_hwcaps(b"")) == []
    assert list(host._of_hwcaps(auxv(hwcap=1, hwcap2=0)[:24])) == []


@pytest.mark.parametrize("cpu", CPUINFO)
def test_they_are_called_as_in_cpuinfo(cpu: str) -> None:
    known = list(host._of_hwcaps(auxv(hwcap=(1 << 64) - 1, hwcap2=(1 << 64) - 1)))
    names = CPUINFO[cpu].split()
    assert [known.index(name) for name in names] == sorted(known.index(name) for name in names)


def test_cpuinfo_of_another_machine_is_not_taken_for_this_ones() -> None:
    assert host._of_cpuinfo("processor\t: 0\nflags\t\t: fpu pni avx2\n\nflags\t\t: none\n") == {"fpu", "sse3", "avx2"}
    assert host._of_cpuinfo("processor\t: 0\nFeatures\t: fp asimd\n") == set()


@x86_64
def test_the_level_is_the_linkers() -> None:
    linker = "/lib64/ld-linux-x86-64.so.2"
    help_text = subprocess.check_output([linker, "--help"], text=True)
    for level in range(2, 5):
        assert (f"x86-64-v{level} (supported" in help_text) == host.supports(f"x86_64 :: level :: v{level}")
    assert host.supports("x86_64 :: level :: v1") is True
    assert host.supports("x86_64 :: level :: v9") is False
    assert f"x86_64 :: level :: v{host.cpu_level()}" in host.features()


def test_another_machines_properties() -> None:
    other = "aarch64" if platform.machine() == "x86_64" else "x86_64"
    assert host.supports(f"{other} :: sve :: on") is False
    refused = host.refusal([f"{other} :: level :: v1"])
    assert refused is not None
    assert refused.reason.endswith(f"this machine is {platform.machine()}")


def test_versions_are_compared_as_numbers() -> None:
    name, version = host.libc()
    major, minor = map(int, version.split(".")[:2])
    bound = f"libc :: {name}_version_lower_bound ::"
    assert host.supports(f"{bound} {version}") is True
    assert host.supports(f"{bound} {major}.{minor - 1}") is True
    assert host.supports(f"{bound} {major}.{minor}0") is False
    assert host.supports(f"libc :: {name}_version_upper_bound :: {version}") is False
    assert host.supports(f"libc :: {name}_version_upper_bound :: {major}.{minor}0") is True


def test_what_nobody_can_tell() -> None:
    assert host.supports("no_such_vendor :: gpu :: x1") is None
    assert host.refusal(["no_such_vendor :: gpu :: x1"]) is None


def test_one_value_of_a_feature_is_enough() -> None:
    """PEP 825: every feature must be compatible, by at least one of its values."""
    assert host.refusal([f"os :: machine :: {platform.machine()}", "os :: machine :: vax"]) is None
    refused = host.refusal(["os :: machine :: vax", "os :: machine :: pdp11", "os :: name :: linux"])
    assert refused is not None
    assert refused.facts["property"] == "os :: machine :: vax"


@pytest.mark.parametrize(
    "text",
    ["", "x86_64", "x86_64 :: level", "x86_64 :: level :: v3 :: v4", "X86 :: level :: v3", "a :: b :: C", "a :: :: b"],
)
def test_what_is_no_property(text: str) -> None:
    with pytest.raises(ValueError, match="is not a property"):
        properties.parse(text)


def test_what_is_one() -> None:
    assert str(properties.parse(" a::b ::1.0_x ")) == "a :: b :: 1.0_x"


def test_the_drivers_version(driver: dict[str, Path]) -> None:
    assert asked(driver["12.4"], "nativeload.host.cuda_version()") == "12.4"
    for version, expected in (("12", True), ("12.4", True), ("12.5", False), ("13", False), ("11.8", True)):
        text = f"nvidia :: cuda_version_lower_bound :: {version}"
        assert asked(driver["12.4"], f"nativeload.host.supports({text!r})") is expected
        upper = text.replace("lower", "upper")
        assert asked(driver["12.4"], f"nativeload.host.supports({upper!r})") is not expected


@pytest.mark.parametrize(
    ("kind", "problem"),
    [("stub", "status 34"), ("empty", "has no cuDriverGetVersion"), ("text", "not an ELF file")],
)
def test_a_driver_that_says_nothing(kind: str, problem: str, driver: dict[str, Path]) -> None:
    cuda = asked(driver[kind], "nativeload.host.report()['cuda']")
    assert isinstance(cuda, dict)
    if cuda["driver"] and not cuda["driver"].startswith(str(driver[kind])):
        pytest.skip("this machine has a driver of its own")
    assert cuda["version"] is None
    assert problem in cuda["problem"]


@pytest.mark.parametrize(("version", "major"), [("12.4", 12), ("13.0", 13)])
def test_the_runtime_that_the_driver_can_serve(version: str, major: int, driver: dict[str, Path]) -> None:
    runtimes = installed(wheel(OLD), wheel(NEW))
    found = trial("cudart", runtimes, *nativeload_path(), env={"LD_LIBRARY_PATH": driver[version]})
    assert found.library["soname"] == f"libcudart.so.{major}"


def test_a_driver_that_is_too_old_is_named_with_both_versions(driver: dict[str, Path]) -> None:
    runtimes = installed(wheel(NEW))
    env = {"LD_LIBRARY_PATH": driver["11.8"]}
    found = trial("cudart~=13.0", runtimes, *nativeload_path(), env=env)
    assert found.error == "ABIMismatchError"
    assert (
        f"needs CUDA 13 or newer; the NVIDIA driver here ({driver['11.8']}/libcuda.so.1) gives CUDA 11.8" in found.text
    )
    chosen = trial("cudart", runtimes, *nativeload_path(), env={**env, "NATIVELOAD_CUDART": "wheel"})
    assert chosen.error == "OverrideError"
    assert "needs CUDA 13 or newer" in chosen.text


def test_all_of_a_toolkit_is_of_the_one_that_the_driver_can_serve(driver: dict[str, Path]) -> None:
    """Whichever comes first: one of a newer toolkit would keep the runtime out."""
    sites = installed(*map(wheel, (OLD, NEW, "nvidia-nvfatbin-cu12", "nvidia-nvfatbin")))
    for order in (("nvfatbin", "cudart"), ("cudart", "nvfatbin")):
        for version, major in (("12.4", 12), ("13.0", 13)):
            found = trials(order, sites, *nativeload_path(), env={"LD_LIBRARY_PATH": driver[version]})
            assert [one.library["soname"] for one in found.values()] == [f"lib{name}.so.{major}" for name in order]


def test_the_machines_own_toolkit_needs_the_driver_too(driver: dict[str, Path], tmp_path: Path) -> None:
    """In CUDA_HOME, told by its soname: no wheel is there that says so."""
    place = tmp_path / "lib64"
    place.mkdir()
    shutil.copy(installed(wheel("nvidia-nvfatbin")) / "nvidia/cu13/lib/libnvfatbin.so.13", place)
    for version in ("13.0", "12.4"):
        env = {"LD_LIBRARY_PATH": driver[version], "CUDA_HOME": tmp_path}
        found = trial("nvfatbin", *nativeload_path(), env=env)
        if version == "13.0":
            assert found.library["soname"] == "libnvfatbin.so.13"
        else:
            assert f"{place}/libnvfatbin.so.13: needs CUDA 13 or newer; the NVIDIA driver here " in found.text
            assert "gives CUDA 12.4" in found.text


def test_a_newer_driver_makes_an_answer_stale(driver: dict[str, Path], tmp_path: Path) -> None:
    """The same directory, another driver in it: what was remembered is not what is given."""
    home, place = tmp_path / "home", tmp_path / "driver"
    home.mkdir()
    place.mkdir()
    runtimes = installed(wheel(OLD), wheel(NEW))
    said = []
    for version in ("12.4", "13.0"):
        (place / "new").write_bytes((driver[version] / "libcuda.so.1").read_bytes())
        os.utime(place / "new", (1e9, 1e9 + int(version[:2])))
        (place / "new").replace(place / "libcuda.so.1")
        found = trial("cudart", runtimes, *nativeload_path(), env={"LD_LIBRARY_PATH": place}, home=home)
        said.append(found.library["soname"])
    assert said == ["libcudart.so.12", "libcudart.so.13"]


def test_nobody_else_asks_the_driver(driver: dict[str, Path]) -> None:
    mapped = "any(image.soname == 'libcuda.so.1' for image in nativeload.loaded())"
    for first, expected in FIRST:
        assert asked(driver["12.4"], f"(nativeload.{first}, {mapped})[1]", installed(wheel(NEW))) is expected


TELLS = """
def tell():
    return ["acme :: gpu :: x2", "acme :: gpu :: x1", "acme :: memory_lower_bound :: 12"]

def wrong():
    return ["nvidia :: sm_arch :: 90_real"]

def broken():
    raise RuntimeError("no such bus")
"""


def test_what_others_tell(tmp_path: Path) -> None:
    (tmp_path / "acme_features.py").write_text(TELLS)
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    points = [
        "acme = acme_features:tell",
        "acme2 = acme_features:wrong",
        "acme3 = acme_features:broken",
        "acme4 = gone:x",
    ]
    info.joinpath("entry_points.txt").write_text("[nativeload.features]\n" + "\n".join(points) + "\n")
    sites = [tmp_path, *nativeload_path()]
    report = ask("import json, nativeload; print(json.dumps(nativeload.host.report()))", *sites)
    told = [one for one in report["features"] if one.startswith("acme")]
    assert told == ["acme :: gpu :: x2", "acme :: gpu :: x1", "acme :: memory_lower_bound :: 12"]
    wrong = ("is not of the namespace acme2", "no such bus", "ModuleNotFoundError")
    assert [words in problem for words, problem in zip(wrong, report["problems"], strict=True)] == [True] * 3
    questions = ["acme :: gpu :: x1", "acme :: gpu :: x3", "acme :: memory_lower_bound :: 8", "acme :: fans :: on"]
    code = f"import json, nativeload; print(json.dumps([nativeload.host.supports(one) for one in {questions}]))"
    assert ask(code, *sites) == [True, False, True, None]


def test_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    from nativeload import __main__

    assert __main__._main(["--host", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["version"] == 1
    assert facts["libc"] == dict(zip(("name", "version"), nativeload.host.libc(), strict=True))
    assert __main__._main(["--host"]) == 0
    shown = capsys.readouterr().out
    assert [one for one in facts["features"] if not one.endswith(":: on") and one not in shown] == []
    assert [name for name in facts["cpu"]["features"] if name not in shown.split()] == []


def variant(site: Path, distribution: str, content: object) -> None:
    """A variant wheel's own description of it, as PEP 825 has it, in an installed distribution."""
    (info,) = site.glob(f"{distribution.replace('-', '_')}-*.dist-info")
    text = content if isinstance(content, str) else json.dumps({"variants": content})
    info.joinpath("variant.json").write_text(text)


NO_CPU = {"x86_64": {"level": ["v9"]}, "aarch64": {"no_such_feature": ["on"]}}


def test_a_variant_wheel_for_another_machine_is_passed_over(site: Path, good: Path, fresh: None) -> None:
    first = provider(site, "a-wheel", declaration(), files={NAME: good}) / NAME
    second = provider(site, "b-wheel", declaration(), files={NAME: good}) / NAME
    variant(site, "a-wheel", {"null": {}})
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    assert spec.path == str(first)
    variant(site, "a-wheel", {"other": NO_CPU})
    explanation = nativeload.explain("specimen")
    assert explanation.spec is not None
    assert explanation.spec.path == str(second)
    (refused,) = [step.rejection for step in explanation.steps if step.rejection]
    assert refused.kind == "host"
    assert refused.facts["property"] in ("x86_64 :: level :: v9", "aarch64 :: no_such_feature :: on")
    variant(site, "a-wheel", {"here": {"os": {"machine": ["vax", platform.machine()]}, "acme": {"gpu": ["x9"]}}})
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    assert spec.path == str(first)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"variants": []}', {}, {"a": {}, "b": {}}, {"a": {"x86_64": {"level": ["V3"]}}}, {"a": {"x": 1}}],
    ids=repr,
)
def test_a_bad_description_is_named_and_stops_nobody_else(content: object, site: Path, good: Path, fresh: None) -> None:
    provider(site, "a-wheel", declaration(), files={NAME: good})
    second = provider(site, "b-wheel", declaration(), files={NAME: good}) / NAME
    variant(site, "a-wheel", content)
    explanation = nativeload.explain("specimen")
    assert explanation.spec is not None
    assert explanation.spec.path == str(second)
    (refused,) = [step.rejection for step in explanation.steps if step.rejection]
    assert refused.kind == "declaration"
    assert str(refused.facts["where"]).endswith("/variant.json")


def builds(site: Path, tmp_path: Path, *keys: str) -> Path:
    """A provider of a build for each key, called by its number, and of one for every machine, called "base.so"."""
    table = "".join(f'"{key}" = "{number}.so"\n' for number, key in enumerate(keys))
    names = ["base.so", *(f"{number}.so" for number in range(len(keys)))]
    files = {name: specimen(tmp_path / name) for name in names}
    text = f"{declaration('base.so')}[library.specimen.builds]\n{table}"
    return provider(site, "some-wheel", text, files=files)


def taken(home: Path, **env: Path) -> str:
    found = trial("specimen", home.parent, *nativeload_path(), env=env)
    assert found.library["path"].startswith(f"{home}/")
    return Path(found.library["path"]).name


def test_the_build_for_this_machine_is_taken(driver: dict[str, Path], tmp_path: Path) -> None:
    """By properties of any namespace: the first that is here, in the order in which they are written."""
    bound = "nvidia :: cuda_version_lower_bound ::"
    home = builds(tmp_path / "site", tmp_path, f"{bound} 13.0", f"{bound} 12.4", f"{bound} 11.0")
    said = {name: taken(home, LD_LIBRARY_PATH=driver[name]) for name in ("13.0", "12.4", "11.8", "stub")}
    assert said == {"13.0": "0.so", "12.4": "1.so", "11.8": "2.so", "stub": "base.so"}


def test_all_properties_of_a_build_are_wanted(tmp_path: Path) -> None:
    here, other = f"os :: machine :: {platform.machine()}", "os :: machine :: vax"
    home = builds(tmp_path / "site", tmp_path, f"{here}, {other}", f"{here}, os :: name :: linux", here)
    assert taken(home) == "1.so"
    (home / "nativeload.toml").write_text(
        (home / "nativeload.toml").read_text().replace("name :: linux", "name :: vms")
    )
    assert taken(home) == "2.so"


@x86_64
def test_a_build_by_properties_comes_before_one_by_level(tmp_path: Path) -> None:
    home = builds(tmp_path / "site", tmp_path, "x86-64-v2", "aarch64 :: sve :: on", "x86_64 :: sse2 :: on")
    assert taken(home) == "2.so"
    home = builds(tmp_path / "other", tmp_path, "x86-64-v2", "aarch64 :: sve :: on", "x86_64 :: no_such_thing :: on")
    assert taken(home) == ("0.so" if host.cpu_level() > 1 else "base.so")


def test_the_newer_build_is_taken_once_the_driver_is_new(driver: dict[str, Path], tmp_path: Path) -> None:
    """What was remembered rests on the driver."""
    place, kept = tmp_path / "driver", tmp_path / "home"
    kept.mkdir()
    home = builds(tmp_path / "site", tmp_path, "nvidia :: cuda_version_lower_bound :: 13")
    age(*home.parent.iterdir(), *home.iterdir(), home.parent)
    said = []
    for version in ("12.4", "12.4", "13.0"):
        place.mkdir(exist_ok=True)
        (place / "new").write_bytes((driver[version] / "libcuda.so.1").read_bytes())
        (place / "new").replace(place / "libcuda.so.1")
        age(place / "libcuda.so.1", place)
        env = {"LD_LIBRARY_PATH": place}
        said.append(Path(trial("specimen", home.parent, *nativeload_path(), env=env, home=kept).library["path"]).name)
    assert said == ["base.so", "base.so", "0.so"]
