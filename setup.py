"""What pyproject.toml cannot say: a free-threaded CPython has no stable ABI (PEP 703), so its extension is its own; each
compiler has its own flags; and where the extension does not compile, that is said once, in the end."""

import os
import sys
import sysconfig

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")
NOT_BUILT = (
    "nativeload's C extension was not built (the reason is above). nativeload works without it and gives the same answers, "
    "but a search takes longer. A C11 compiler and Python's headers are all it takes: install again where they are."
)


class Wheel(bdist_wheel):
    """Of setup.cfg's tag, where there is a stable ABI."""

    def finalize_options(self) -> None:
        self.py_limited_api = self.py_limited_api if STABLE else False
        super().finalize_options()


class Extension(build_ext):
    """Built for the oldest Python's stable ABI, where there is one."""

    def finalize_options(self) -> None:
        for extension in self.distribution.ext_modules:
            extension.py_limited_api = STABLE
            extension.define_macros += [("Py_LIMITED_API", "0x030b0000")] if STABLE else []
            extension.optional = "NATIVELOAD_REQUIRE_EXTENSION" not in os.environ
        super().finalize_options()

    def build_extensions(self) -> None:
        microsoft = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            extension.extra_compile_args = ["/std:c11"] if microsoft else ["-std=c11", "-O2", "-fvisibility=hidden"]
            # Two segments to map instead of four: loading the extension is a part of what every import costs.
            extension.extra_link_args = ["-Wl,-z,noseparate-code"] if sys.platform == "linux" else []
        super().build_extensions()
        if not all(os.path.exists(self.get_ext_fullpath(extension.name)) for extension in self.extensions):
            self.warn(NOT_BUILT)


setup(cmdclass={"bdist_wheel": Wheel, "build_ext": Extension})
