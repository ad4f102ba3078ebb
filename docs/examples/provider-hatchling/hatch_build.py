"""Compiles libfoo, and tags the wheel for this platform and every Python."""

import subprocess
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildLibrary(BuildHookInterface):
    def initialize(self, version, build_data):
        source = Path(self.root, "src")
        library = ["-Wl,-soname,libfoo.so.1", "-o", source / "foo_lib" / "libfoo.so.1"]
        subprocess.run(["cc", "-shared", "-fPIC", source / "foo.c", *library], check=True)
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
