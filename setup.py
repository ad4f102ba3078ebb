"""What pyproject.toml cannot say: a free-threaded CPython has no stable ABI (PEP 703), so its extension is its own."""

import sysconfig

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")


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
        super().finalize_options()


setup(cmdclass={"bdist_wheel": Wheel, "build_ext": Extension})
