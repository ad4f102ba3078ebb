"""The commands that install a library here: of this system's package manager, of conda where that is the environment, of
pip. Told from files; nothing here runs a process.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.catalog import Entry

OS_RELEASE = "/etc/os-release"
_COMMANDS = {
    "conda-forge": "conda install -c conda-forge",
    "apt": "apt install",
    "dnf": "dnf install",
    "brew": "brew install",
    "winget": "winget install",
    "pip": "pip install",
}
# os-release(5): by ID, or what ID_LIKE says that it is like
_MANAGERS = {"debian": "apt", "ubuntu": "apt", "fedora": "dnf", "rhel": "dnf", "centos": "dnf"}


def commands(entry: "Entry") -> list[str]:
    """The commands that install a library here, those of the system's own package manager first; pip's are the last.

    A library that has no package for what this machine uses gets the commands of all installers that have one.
    """
    packages = dict(entry.install)
    release = _release()
    manager = _manager(release)
    named = packages.get(f"{release.get('ID')}-{release.get('VERSION_ID')}")
    if named:  # the package's name in this release, which may be another in the next
        packages["apt"] = named
    wanted = [manager, "pip"]
    if os.path.isdir(f"{sys.prefix}/conda-meta"):
        wanted.insert(0, "conda-forge")
    if not any(one in packages for one in wanted):
        wanted = list(_COMMANDS)
    return [f"{_COMMANDS[one]} {package}" for one in wanted for package in packages.get(one, ())]


def _manager(release: dict[str, str]) -> str:
    system: str = sys.platform
    if not system.startswith("linux"):
        return {"darwin": "brew", "win32": "winget"}.get(system, "")
    like = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    return next((_MANAGERS[one] for one in like if one in _MANAGERS), "")


def _release() -> dict[str, str]:
    try:
        with open(OS_RELEASE, encoding="utf-8", errors="replace") as file:
            lines = [line.strip().partition("=") for line in file]
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, equals, value in lines if equals}
