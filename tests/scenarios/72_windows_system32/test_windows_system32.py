"""System32 comes last, and has what the list of Windows's own names says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]

# Of the list, what Wine brings too.
_SYMBOLS = {
    "bcrypt.dll": "BCryptGenRandom", "crypt32.dll": "CertOpenStore", "dbghelp.dll": "SymInitialize",
    "dnsapi.dll": "DnsFree", "iphlpapi.dll": "GetAdaptersAddresses", "mpr.dll": "WNetGetUserW",
    "ncrypt.dll": "NCryptOpenStorageProvider", "netapi32.dll": "NetApiBufferFree", "opengl32.dll": "glGetError",
    "pdh.dll": "PdhCloseQuery", "powrprof.dll": "CallNtPowerInformation", "secur32.dll": "GetUserNameExW",
    "ucrtbase.dll": "malloc", "userenv.dll": "GetProfilesDirectoryW", "uxtheme.dll": "IsThemeActive",
    "version.dll": "VerQueryValueW", "winhttp.dll": "WinHttpOpen", "wininet.dll": "InternetOpenW",
    "winmm.dll": "timeGetTime", "wintrust.dll": "WinVerifyTrust", "wsock32.dll": "send", "wtsapi32.dll": "WTSFreeMemory",
}  # fmt: skip


def test_it_has_them(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=_SYMBOLS.items())
    assert set(_SYMBOLS) <= set(agree(root, tmp_path))


def test_it_has_no_others(tmp_path: Path) -> None:
    assert agree(dll(tmp_path / "site" / "root.pyd", needed=["libopenblas.dll"]), tmp_path) == [MISSING]


def test_the_files_beside_the_root_come_first(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["wer.dll"])
    assert agree(dll(tmp_path / "one" / "root.pyd", needed=[("wer.dll", "WerReportCreate")]), tmp_path)[-1] == "wer.dll"
    dll(tmp_path / "site" / "wer.dll")
    assert agree(root, tmp_path) == ["site/root.pyd", "site/wer.dll"]
