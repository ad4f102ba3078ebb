"""libfoo is compiled as an extension module would be, under its own name."""

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext


class BuildLibrary(build_ext):
    def get_ext_filename(self, fullname):
        # The file's name, in place of one that Python would import.
        return "/".join([*fullname.split(".")[:-1], "libfoo.so.1"])


class ForEveryPython(bdist_wheel):
    def get_tag(self):
        # The library does not use Python: one wheel for all of them, on this platform.
        return "py3", "none", super().get_tag()[2]


setup(
    ext_modules=[Extension("foo_lib.libfoo", ["src/foo.c"], extra_link_args=["-Wl,-soname,libfoo.so.1"])],
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": ForEveryPython},
)
