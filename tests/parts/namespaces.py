"""Processes in a mount namespace of their own, where a test may put another file system in a place."""

from __future__ import annotations

import os
import shutil
import subprocess

_UNSHARE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]


def possible() -> bool:
    """Whether this process may have a mount namespace."""
    return bool(shutil.which("unshare")) and subprocess.run([*_UNSHARE, "true"], check=False).returncode == 0


def inside(script: str) -> list[str]:
    """The beginning of a command that runs a shell script in a mount namespace; what follows are its arguments."""
    return [*_UNSHARE, "sh", "-ec", script, "sh"]
