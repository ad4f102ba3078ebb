"""All checks, each in an environment of its own: `nox -f tests/noxfile.py` runs the tests, `-l` lists the rest.

The project is tested as it is installed: one stable-ABI wheel, built once, goes into every environment, but for
those of free-threaded interpreters, which have no stable ABI.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
sys.path.insert(0, os.fspath(TESTS))

from parts._cache import file_digest
from parts.debian import python_headers
from parts.interpreters import Interpreter, interpreters
from parts.skips import never_run
from parts.wheels import PROJECT_SOURCES, copy_sources

nox.needs_version = ">=2025.2.9"
nox.options.envdir = os.fspath(ROOT / ".nox")
nox.options.error_on_missing_interpreters = True
# Not uv, where it is installed: the tests use the pip of their environment.
nox.options.default_venv_backend = "virtualenv"

BACKENDS = ("c", "python")
INTERPRETERS = interpreters()
SKIPS = ROOT / ".nox" / "skips"
_project_wheels: dict[Interpreter, Path] = {}
# What has no wheel for a free-threaded CPython 3.13, nor builds there: what is asked of it is skipped.
NOT_FREE_THREADED = ("cffi", "lief", "pyyaml")

# Compiled without Python.h, all but the binding: the core must stay free of Python.
BINDING = ROOT / "csrc" / "binding"
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"]
# A worker for each core; a file's tests stay together, so that what they share is made once.
PARALLEL = ["-n", "logical", "--dist", "loadfile"]
SANITIZED = ("unit", "property", "scenarios")
# They look at whole programs, into each of which the sanitizers' runtime is preloaded.
UNSANITIZED = (
    "unit/test_tree.py",
    "unit/test_explain_file.py",
    "scenarios/30_program_library_path",
    "scenarios/32_program_tokens",
    "scenarios/36_program_needed_with_a_slash",
    "scenarios/41_filters",
    "scenarios/44_another_root",
    "scenarios/52_program_and_linker",
)


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(nox.project.load_toml(ROOT / "pyproject.toml"), name))


def headers(interpreter: Interpreter) -> dict[str, str]:
    """The environment in which an extension for this interpreter compiles."""
    if interpreter.has_headers:
        return {}
    return {"C_INCLUDE_PATH": python_headers(".".join(map(str, interpreter.minor)))}


def python_include(session: nox.Session, interpreter: Interpreter) -> list[str]:
    """The directories that hold this interpreter's headers."""
    if not interpreter.has_headers:
        return headers(interpreter)["C_INCLUDE_PATH"].split(os.pathsep)
    ask = "import sysconfig; print(sysconfig.get_path('include'))"
    return [str(session.run(os.fspath(interpreter.path), "-c", ask, silent=True, external=True)).strip()]


def builder() -> Interpreter:
    """Any interpreter with a stable ABI builds the wheel for all of them: the oldest that has its headers."""
    stable = [one for one in INTERPRETERS if one.stable_abi]
    if not stable:
        sys.exit("no CPython 3.11 or newer was found")
    return min(stable, key=lambda one: not one.has_headers)


def build(session: nox.Session, interpreter: Interpreter, **env: str) -> Path:
    """Build the project's wheel with the extension in it, from a copy of its sources."""
    with tempfile.TemporaryDirectory(prefix="nativeload-build-") as scratch:
        source, output = Path(scratch, "source"), Path(scratch, "wheel")
        copy_sources(ROOT, source, PROJECT_SOURCES)
        command = ["python", "-m", "pip", "--python", os.fspath(interpreter.path), "wheel", "-v", "--no-deps"]
        log = session.run(
            *command, f"--wheel-dir={output}", os.fspath(source), env=headers(interpreter) | env, silent=True
        )
        (wheel,) = output.glob("*.whl")
        # Where it does not compile, setuptools leaves it out: right for a user, wrong here.
        with zipfile.ZipFile(wheel) as archive:
            if not any(name.startswith("nativeload/_native.") and name.endswith(".so") for name in archive.namelist()):
                session.log(str(log))
                session.error("the extension was not built; the compiler's words are above")
        # By its content, so that a run beside this one keeps the wheel it has.
        kept = ROOT / ".nox" / "wheels" / file_digest(wheel)[:20]
        kept.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy2(wheel, kept))


def project_wheel(session: nox.Session, interpreter: Interpreter | None = None) -> Path:
    """The wheel that the test sessions of an interpreter install, built by the first of them."""
    chosen = builder() if interpreter is None or interpreter.stable_abi else interpreter
    if chosen not in _project_wheels:
        _project_wheels[chosen] = build(session, chosen)
    return _project_wheels[chosen]


def requirements(interpreter: Interpreter) -> list[str]:
    """What the tests need, as far as an interpreter has it without Rust."""
    if interpreter.stable_abi:
        return group("test")
    return ["--only-binary=:all:", *(one for one in group("test") if not one.startswith(NOT_FREE_THREADED))]


def install(session: nox.Session, wheel: Path, *requirements: str) -> None:
    """Install the wheel with what it needs; a reused environment (`nox -r`) gets the new wheel too."""
    session.install(os.fspath(wheel), *requirements)
    session.install("--force-reinstall", "--no-deps", os.fspath(wheel))


def record_of(interpreter: Interpreter, backend: str) -> Path:
    """Where a test session's account of its skips is; conftest.py gives it the same name."""
    return SKIPS / f"{interpreter.version}-{backend}.jsonl"


def backends(interpreter: Interpreter) -> tuple[str, ...]:
    """Both; C's alone, which is compiled, for who is not the first of a minor version and ABI."""
    alike = [one for one in INTERPRETERS if (one.minor, one.stable_abi) == (interpreter.minor, interpreter.stable_abi)]
    return BACKENDS if interpreter == alike[0] else BACKENDS[:1]


def define_tests(interpreter: Interpreter) -> None:
    @nox.session(name=f"tests-{interpreter.version}", python=os.fspath(interpreter.path), tags=["tests"])
    @nox.parametrize("backend", backends(interpreter), ids=backends(interpreter))
    def tests(session: nox.Session, backend: str) -> None:
        """The whole suite, on one interpreter with one backend."""
        session.chdir(ROOT)
        wheel = project_wheel(session, interpreter)
        install(session, wheel, *requirements(interpreter))
        record_of(interpreter, backend).unlink(missing_ok=True)
        env = headers(interpreter) | {
            "NATIVELOAD_BACKEND": backend,
            "TEST_NATIVELOAD_SKIPS": os.fspath(SKIPS),
            "TEST_NATIVELOAD_WHEEL": os.fspath(wheel),
        }
        if "TEST_NATIVELOAD_ONCE" not in os.environ and (interpreter, backend) != (builder(), BACKENDS[0]):
            env["TEST_NATIVELOAD_ONCE"] = "elsewhere"
        session.run("python", "-m", "pytest", *PARALLEL, *session.posargs, env=env)


for interpreter in INTERPRETERS:
    define_tests(interpreter)


@nox.session(venv_backend="none")
def skips(session: nox.Session) -> None:
    """Fails when a test was skipped in every test session: then nobody checks what it checks."""
    records = [record_of(interpreter, backend) for interpreter in INTERPRETERS for backend in backends(interpreter)]
    missing = [record.stem for record in records if not record.exists()]
    if len(missing) == len(records):
        session.error("no test session has run")
    if missing:
        session.warn(f"without the sessions that have not run: {', '.join(missing)}")
    if never := never_run([record for record in records if record.exists()]):
        session.error("skipped in every session:\n" + "\n".join(f"  {test}: {why}" for test, why in never.items()))
    session.log("every test ran in at least one session")


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: rules and format."""
    session.chdir(ROOT)
    session.install(*(one for one in group("lint") if one.startswith("ruff")))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


_PACKAGE = "src/nativeload"
_ALWAYS = (f"{_PACKAGE}/systems", f"{_PACKAGE}/loader.py", f"{_PACKAGE}/preferences.py", f"{_PACKAGE}/configfile.py")
_RUN_THERE = {
    "win32": (*_ALWAYS, f"{_PACKAGE}/_pure/windows.py"),
    "darwin": (*_ALWAYS, f"{_PACKAGE}/_pure/macos.py", f"{_PACKAGE}/_pure/process.py"),
}


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict on the package, its tests and its benchmarks; on what is written for macOS and Windows, as there."""
    session.chdir(ROOT)
    install(session, project_wheel(session), *group("lint"), "nox")
    session.run("mypy", "--strict")
    for platform in ("win32", "darwin"):
        there = ("--platform", platform, "--follow-imports", "silent", "--no-warn-unreachable")
        session.run("mypy", "--strict", *there, *_RUN_THERE[platform])


@nox.session
def pages(session: nox.Session) -> None:
    """The documentation as a site, under .nox/pages: a page in no table of contents or a link to nowhere fails."""
    session.chdir(ROOT)
    session.install(*group("docs"))
    site = ROOT / ".nox" / "pages"
    session.run("sphinx-build", "-c", "docs", "-EqWn", "--keep-going", ".", os.fspath(site))


@nox.session(venv_backend="none")
def cwarnings(session: nox.Session) -> None:
    """Every C file compiles without a warning, and the core without Python."""
    interpreter = builder()
    with tempfile.TemporaryDirectory(prefix="nativeload-headers-") as scratch:
        # As system headers, because CPython's own are not clean under these warnings.
        found = python_include(session, interpreter)
        sources = sorted((ROOT / "csrc").rglob("*.c"))
        if not any(source.parent == BINDING for source in sources):
            session.error(f"{BINDING} is not there")
        for source in sources:
            include = [word for folder in found for word in ("-isystem", folder)] if source.parent == BINDING else []
            include += ["-DPy_LIMITED_API=0x030b0000"] if source.parent == BINDING else []
            output = os.path.join(scratch, "object.o")
            compiler = os.environ.get("CC", "gcc")
            # With optimisation, for the warnings that need the flow of values.
            session.run(compiler, *WARNINGS, "-O2", *include, "-c", os.fspath(source), "-o", output, external=True)


@nox.session(python=os.fspath(builder().path))
def cross(session: nox.Session) -> None:
    """The C core for other systems and machines: compiled for each, and run where qemu, musl or Wine can."""
    session.chdir(ROOT)
    if os.geteuid() == 0 and shutil.which("apt-get") and not Path("/usr/lib/wine/wine64").exists():
        install_wine = (
            "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends wine64"
        )
        # Where it cannot be had, the program says that it was not run.
        session.run("sh", "-c", install_wine, external=True, silent=True, success_codes=[0, 100])
    session.run("python", "-m", "tests.cross", *session.posargs)


@nox.session(python=os.fspath(builder().path))
def sanitize(session: nox.Session) -> None:
    """The C core under AddressSanitizer and UndefinedBehaviorSanitizer: any finding ends the process."""
    session.chdir(ROOT)
    flags = " ".join(SANITIZERS)
    wheel = build(session, builder(), CFLAGS=flags, LDFLAGS=flags)
    install(session, wheel, *group("test"))
    runtimes = [
        str(session.run(os.environ.get("CC", "gcc"), f"-print-file-name={name}", silent=True, external=True)).strip()
        # libstdc++ with it, or ASan does not find the C++ exceptions of an extension that brings some.
        for name in ("libasan.so", "libstdc++.so.6")
    ]
    env = headers(builder()) | {
        "NATIVELOAD_BACKEND": "c",
        "TEST_NATIVELOAD_WHEEL": os.fspath(wheel),
        "LD_PRELOAD": " ".join(runtimes),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    targets = [f"tests/{folder}" for folder in SANITIZED if (TESTS / folder).is_dir()]
    # A sanitizer writes to the descriptor and ends the process, so pytest must not have captured it.
    ignored = [f"--ignore=tests/{one}" for one in UNSANITIZED]
    chosen = session.posargs or ["-m", "not nosanitize", *ignored, *targets]
    session.run("python", "-m", "pytest", *PARALLEL, "--capture=sys", *chosen, env=env)


nox.options.sessions = [f"tests-{interpreter.version}" for interpreter in INTERPRETERS] + ["skips"]
