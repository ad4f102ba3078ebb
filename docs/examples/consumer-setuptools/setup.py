"""The flags that link the extension with libfoo come from nativeload: no rpath is among them."""

import shlex
import subprocess
import sys

from setuptools import Extension, setup


def flags(option):
    command = [sys.executable, "-m", "nativeload", option, "foo>=1.2,<2"]
    return shlex.split(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


extension = Extension(
    "bar._bar",
    ["src/bar.c"],
    extra_compile_args=flags("--cflags"),
    extra_link_args=flags("--libs"),
)
setup(ext_modules=[extension])
