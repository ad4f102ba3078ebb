"""The search rules of Windows's loader as CPython asks it, for files that lie here.

CPython imports with LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR (Python/dynload_win.c): the
directory of the file that is imported, the program's, those of AddDllDirectory, System32; PATH and the current
directory are not searched. Source: Microsoft's "Dynamic-link library search order" and LoadLibraryExW. The rules are
compared with Wine's loader (docs/explanation/linker-rules.md); no Windows has run this. Not taken into account:
manifests, `.local` files and redirection by the registry.
"""

import os

from nativeload.formats import pe
from nativeload.linkers.stepwise import Found, unexported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nativeload.closure import Edge, Problem
    from nativeload.formats.pe import PE
    from nativeload.linkers.stepwise import Tried

SYSTEM32 = "C:\\Windows\\System32\\"

# HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\KnownDLLs of Windows 10 and 11: no directory is searched for them.
_KNOWN = frozenset(
    f"{one}.dll"
    for one in (  # noqa: SIM905 - words are read as words
        "advapi32 bcryptprimitives clbcatq combase comdlg32 coml2 difxapi gdi32 gdiplus imagehlp imm32 kernel32 kernelbase "
        "msctf msvcrt normaliz nsi ntdll ole32 oleaut32 psapi rpcrt4 sechost setupapi shcore shell32 shlwapi user32 "
        "wldap32 ws2_32 wow64 wow64cpu wow64win"
    ).split()
)
# What every supported Windows has in System32 besides. Not there: the Visual C++ runtime.
_SYSTEM = frozenset(
    f"{one}.dll"
    for one in (  # noqa: SIM905 - words are read as words
        "activeds adsldpc authz avicap32 avifil32 avrt bcrypt bthprops cabinet cfgmgr32 comctl32 credui crypt32 cryptbase "
        "cryptnet cryptsp cryptui d2d1 d3d10 d3d10_1 d3d11 d3d12 d3d9 d3dcompiler_47 dbghelp dcomp ddraw dhcpcsvc dinput8 "
        "dnsapi dsound dwmapi dwrite dxcore dxgi dxva2 esent evr fltlib fwpuclnt gdi32full glu32 hid httpapi iphlpapi "
        "ksuser ktmw32 mf mfplat mfreadwrite mpr msacm32 msi msimg32 msvcp_win msvfw32 mswsock ncrypt netapi32 ntdsapi odbc32 "
        "oleacc oledlg opengl32 pdh powrprof propsys qwave rasapi32 rstrtmgr secur32 slc srpapi sspicli tapi32 tdh "
        "traffic ucrtbase uiautomationcore urlmon userenv usp10 uxtheme version virtdisk webservices wer wevtapi winhttp wininet winmm "
        "winscard winsta wintrust winusb wlanapi wsock32 wtsapi32 xinput1_4 xinput9_1_0 xmllite"
    ).split()
) | {"winspool.drv"}
# Machines whose programs Windows runs on another: their files are images there (STATUS_IMAGE_MACHINE_TYPE_MISMATCH).
_ALSO_RUN = {"amd64": ("x86",), "x86": ("amd64",), "arm64": ("x86", "amd64", "arm")}
# What the Visual C++ Redistributable installs, which most machines have and none must.
_REDISTRIBUTABLE = frozenset(
    f"{one}.dll"
    for one in (  # noqa: SIM905 - words are read as words
        "concrt140 mfc140 mfc140chs mfc140cht mfc140deu mfc140enu mfc140esn mfc140fra mfc140ita mfc140jpn mfc140kor "
        "mfc140rus mfc140u mfcm140 mfcm140u msvcp140 msvcp140_1 msvcp140_2 msvcp140_atomic_wait msvcp140_codecvt_ids "
        "vcamp140 vccorlib140 vcomp140 vcruntime140 vcruntime140_1 vcruntime140_threads"
    ).split()
)
_RUNTIME = ("vcruntime140.dll", "vcruntime140_1.dll")


def is_systems(name: str) -> bool:
    """Whether every Windows, or CPython's directory there, has a DLL by this name."""
    wanted = name.lower()
    return pe.is_api_set(wanted) or wanted in _KNOWN or wanted in _SYSTEM or wanted in _RUNTIME


def is_redistributable(name: str) -> bool:
    """Whether the Visual C++ Redistributable installs a DLL: no debug runtime (msvcp140d.dll), nor somebody's copy."""
    return name.lower() in _REDISTRIBUTABLE


class _OtherMachineError(ValueError):
    """A file for another machine, which a search passes over."""


class Windows:
    """The loader for one machine and Python ("3.13"; "3" for whichever), whose own DLLs lie beside the program.

    `directories` are what AddDllDirectory was given; `application` is the program's directory, `system32` the system's,
    "" where they are not here.
    """

    def __init__(
        self,
        machine: str,
        *,
        python: str = "",
        directories: "Sequence[str]" = (),
        application: str = "",
        system32: str = "",
    ) -> None:
        self.machine = machine
        self.system32 = system32
        self.directories = tuple(directories)
        self.application = application
        tag = python.replace(".", "")
        self._any = python == "3"
        self._own = (
            {"python3.dll", "python3t.dll", f"python{tag}.dll", f"python{tag}t.dll", *_RUNTIME} if tag else set()
        )
        self._known: dict[str, PE] = {}
        self._listings: dict[str, dict[str, str]] = {}

    def image(self, path: str) -> "PE":
        """The facts of a file. Raises OSError, ValueError."""
        if path not in self._known:
            found = pe.read(path)
            if found.machine != self.machine:
                is_known = found.machine in _ALSO_RUN.get(self.machine, ())
                raise (_OtherMachineError if is_known else ValueError)(
                    f"is for {found.machine}, not for {self.machine}"
                )
            self._known[path] = found
        return self._known[path]

    def needs(self, path: str) -> "Sequence[tuple[str, bool, bool]]":
        """Its imports, then what it delays."""
        image = self.image(path)
        return [
            *((one.name, False, True) for one in image.imports),
            *((one.name, True, False) for one in image.delayed),
        ]

    def soname(self, path: str) -> str | None:
        """The name by which a loaded module is known: its file's."""
        return path.rpartition("/")[2]

    def find(self, name: str, chain: "Sequence[str]", loaded: "Sequence[str]") -> Found:
        """Windows's own contracts; a loaded module of the base name; KnownDLLs; then each directory.

        Where a forwarder of what is found is imported, its target is found next. A file for another machine that
        Windows runs there as well is passed over, another that will not do ends the search.
        """
        found = self._find(_dll(name).lower(), chain, loaded)
        if found.is_file and found.path is not None:
            wanted = [(found.path, x) for one in self.image(chain[0]).imports if one.name == name for x in one.symbols]
            also: dict[str, None] = {}
            for path, symbol in wanted:  # which grows meanwhile: a target may be a forwarder itself
                target = dict(self.image(path).forwarders).get(symbol)
                if target is None:
                    continue
                module, _, exported = target.rpartition(".")
                also[_dll(module)] = None
                given = self._find(_dll(module).lower(), chain, loaded)
                if given.is_file and given.path is not None and (given.path, exported) not in wanted:
                    wanted.append((given.path, exported))
            found.also = tuple(also)
        return found

    def _find(self, wanted: str, chain: "Sequence[str]", loaded: "Sequence[str]") -> Found:
        if pe.is_api_set(wanted):
            return Found(wanted, "API set", [])
        for path in loaded:
            if path.rpartition("/")[2].lower() == wanted:
                return Found(path, f"already loaded as {path.rpartition('/')[2]}", [], is_file=True)
        if wanted in _KNOWN:
            return Found(f"{SYSTEM32}{wanted}", "KnownDLLs", [])
        tried: Tried = []
        for directory, rule in self._directories(chain[-1]):
            path = self._listing(directory).get(wanted, "") if directory else ""
            if path:
                try:
                    self.image(path)
                except _OtherMachineError as error:
                    tried.append((path, rule, str(error)))
                    continue
                except (OSError, ValueError) as error:
                    return Found(path, rule, tried, fatal=str(error))
                return Found(path, rule, tried, is_file=True)
            if directory:
                tried.append((f"{directory}/{wanted}", rule, None))
            elif wanted in self._own or (self._any and wanted.startswith("python3") and wanted.endswith(".dll")):
                return Found(wanted, rule, tried)
        if wanted in (self._listing(self.system32) if self.system32 else _SYSTEM):
            return Found(f"{SYSTEM32}{wanted}", "System32", tried)
        return Found(None, "not found", [*tried, (f"{SYSTEM32}{wanted}", "System32", None)])

    def faults(self, edges: "dict[str, tuple[Edge, ...]]") -> "Iterator[Problem]":
        """Each name that a file imports at once from a file here, and that this does not export."""
        for path, needed in edges.items():
            givers = {edge.name: edge.path for edge in needed if edge.fatal is None and not edge.optional}
            for one in self.image(path).imports:
                giver = givers.get(one.name)
                if giver in edges:
                    given = set(self.image(giver).exports)
                    lacking = [name for name in one.symbols if name not in given and not name.startswith("#")]
                    if lacking:
                        yield unexported(path, lacking, one.name, giver)

    def _directories(self, root: str) -> "Iterator[tuple[str, str]]":
        yield os.path.dirname(root), "the directory of the file that is loaded"
        yield self.application, "the program's directory"
        for one in self.directories:
            yield one, "AddDllDirectory"

    def _listing(self, directory: str) -> dict[str, str]:
        """{name in small letters: path}."""
        if directory not in self._listings:
            try:
                names = sorted(os.listdir(directory))
            except OSError:
                names = []
            self._listings[directory] = {name.lower(): f"{directory}/{name}" for name in names}
        return self._listings[directory]


def _dll(name: str) -> str:
    """A module's name as it is looked for: ".dll" is added where there is no extension."""
    return name if "." in name else f"{name}.dll"
