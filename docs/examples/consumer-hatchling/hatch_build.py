"""Compiles the extension module, with the flags that nativeload gives for libfoo: no rpath is among them."""

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def flags(option):
    command = [sys.executable, "-m", "nativeload", option, "foo>=1.2,<2"]
    return shlex.split(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


class BuildExtension(BuildHookInterface):
    def initialize(self, version, build_data):
        source = Path(self.root, "src")
        module = source / "bar" / f"_bar{sysconfig.get_config_var('EXT_SUFFIX')}"
        compile_it = ["cc", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}", *flags("--cflags")]
        subprocess.run([*compile_it, source / "bar.c", *flags("--libs"), "-o", module], check=True)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
