"""`--cflags`, `--libs`, `--cmake-dir` and `--pkg-config-path`: what a build asks about a library."""

import shlex

from nativeload.terminal import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def cflags(arguments: "Sequence[str]") -> int:
    """Print the compiler's flags for libraries, quoted for a shell where that is necessary."""
    from nativeload import development

    names = _names("--cflags", "the compiler's flags: where the headers of libraries are", arguments)
    _words([word for name in names for word in development.find(name).cflags])
    return 0


def libs(arguments: "Sequence[str]") -> int:
    """Print the linker's flags for libraries, quoted for a shell where that is necessary."""
    from nativeload import development

    names = _names("--libs", "the linker's flags for libraries, without an rpath", arguments)
    _words([word for name in names for word in development.find(name).libs])
    return 0


def cmake_dir(arguments: "Sequence[str]") -> int:
    """Print the directory of a library's CMake configuration."""
    from nativeload import development

    (name,) = _names("--cmake-dir", "the directory of a library's CMake configuration, for NAME_DIR", arguments, 1)
    show(development.find(name).cmake_dir)
    return 0


def pkg_config_path(arguments: "Sequence[str]") -> int:
    """Print the directories of pkg-config files, as PKG_CONFIG_PATH has them."""
    from nativeload import development

    what = "the directories of the pkg-config files of libraries, without a name of all that are provided"
    names = _names("--pkg-config-path", what, arguments, "*")
    found = [development.find(name).pkg_config_path for name in names] if names else development.pkg_config_path()
    show(":".join(dict.fromkeys(found)))
    return 0


def _words(words: list[str]) -> None:
    show(shlex.join(dict.fromkeys(words)))


def _names(option: str, what: str, arguments: "Sequence[str]", count: "int | str" = "+") -> list[str]:
    import argparse

    from nativeload.__main__ import _formatter

    parser = argparse.ArgumentParser(
        prog=f"nativeload {option}",
        description=f"Print {what}. The library is the one that load would give. Nothing is loaded.",
        epilog="exit status: 0; 1 there is no such library, or it comes without this; 2 a requirement cannot be read",
        formatter_class=_formatter,
    )
    parser.add_argument("names", nargs=count, metavar="NAME", help="a library, as load is asked for it")
    found: list[str] = parser.parse_args(arguments).names
    return found
