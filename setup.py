"""What pyproject.toml cannot say: a free-threaded CPython has no stable ABI (PEP 703), so its extension is its own."""

import sysconfig

from setuptools import setup
from setuptools.command.build_ext import build_ext

STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")


class BuildExtension(build_ext):
    """Builds for the oldest Python's stable ABI, where there is one."""

    def finalize_options(self) -> None:
        for extension in self.distribution.ext_modules:
            extension.py_limited_api = STABLE
            extension.define_macros += [("Py_LIMITED_API", "0x030b0000")] if STABLE else []
        super().finalize_options()


# The wheel's tag
setup(
    cmdclass={"build_ext": BuildExtension},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)
