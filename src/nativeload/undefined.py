"""Symbols that the files of one closure want and none of them gives. Nothing here looks for files.

A process gets them from the program and what was loaded for all of it before; a file asked about judged does not tell
which these are, so the interpreter is taken for a library's program.
"""

import os
import sys

from nativeload import core, images
from nativeload.closure import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.resolver import Resolver, Walked

_MANY = 5  # names in one sentence
_OF_PYTHON = ("Py", "_Py")
# What crti.o and crtbegin.o of every file ask for, and no library gives.
_OF_THE_COMPILER = ("__gmon_start__", "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable")


def sentence(names: "Sequence[str]") -> str:
    """What is said of symbols that nothing gives."""
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return f"wants {', '.join(names[:_MANY])}{more}, which nothing that it needs gives, nor the interpreter"


def look(resolver: "Resolver", walked: "Walked", loaded: "Sequence[str]" = ()) -> None:
    """Add to a walk the symbols that nothing gives: the strong ones as problems, the weak ones apart.

    Of a walk where a file is missing nothing is said: that file would give some of them. What is loaded before gives
    what it has if it is a program, or needed by the file too; else only if it is loaded for all, which is said.
    """
    if walked.problems or not walked.paths:
        return
    image = resolver.image(walked.root)
    _, walker = resolver.walker(walked.root, image)
    programs = _programs(resolver, image, loaded)
    scope = (*_reached(walked), *(path for program in programs for path in resolver.walk(program).paths))
    judged = bool(programs or _is_program(image))  # else an interpreter that is not here may give it
    problems, weak = [], []
    for path in walked.paths:
        try:
            wants = core.undefined(walker, path, scope)
        except (OSError, ValueError):
            continue  # It has been mapped by its headers; a table that cannot be read wants nothing that is known.
        strong = [name for name, is_weak in wants if not is_weak and (judged or not name.startswith(_OF_PYTHON))]
        if strong:
            givers = [one for one in loaded if one not in programs and _gives(walker, path, strong, (*scope, one))]
            hint = f"; {givers[0]} gives some, if it is loaded for all (RTLD_GLOBAL)" if givers else ""
            problems.append(Problem(kind="symbol", image=path, detail=sentence(strong) + hint))
        if names := tuple(name for name, is_weak in wants if is_weak and name not in _OF_THE_COMPILER):
            weak.append((path, names))
    walked.take(*problems)
    walked.weak = tuple(weak)


def _reached(walked: "Walked") -> list[str]:
    """What would be mapped for a file, and what of that was there before."""
    found = dict.fromkeys(walked.paths)
    todo = list(found)
    for path in todo:  # which grows meanwhile
        for edge in walked.needed(path):
            if edge.path is not None and edge.path not in found:
                found[edge.path] = None
                todo.append(edge.path)
    return todo


def _gives(walker: object, path: str, strong: "Sequence[str]", scope: tuple[str, ...]) -> bool:
    left = {name for name, _ in core.undefined(walker, path, scope)}
    return not left.issuperset(strong)


def _programs(resolver: "Resolver", image: "images.Image", loaded: "Sequence[str]") -> "Sequence[str]":
    """The programs whose symbols a library gets: those loaded before, else this interpreter, where it could load it."""
    programs = [path for path in loaded if _is_program(resolver.image(path))]
    here = not resolver.root and image.same_kind(images.process())
    return programs if programs or _is_program(image) or not here else [os.path.realpath(sys.executable)]


def _is_program(image: "images.Image") -> bool:
    """Whether a file is run; libc.so.6, which can be, is a library all the same."""
    return image.interp is not None and image.soname is None
