"""On a machine with an NVIDIA GPU: does nativeload say of CUDA what CUDA says? `python -m tests.cuda` prints JSON.

It needs nativeload and, for what it loads, the wheels nvidia-cuda-runtime-cu12 and nvidia-cuda-runtime; nothing else,
and no network. Exit status 0 where all holds, 1 where something does not, 3 where there is no driver to ask.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

# Each runs in a process of its own and prints one line of JSON.
HOST = """
import json, os, sys, time
import nativeload

def devices():
    names = [os.path.realpath(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd")]
    return sorted(name for name in names if "nvidia" in name)

def threads():
    return len(os.listdir("/proc/self/task"))

def mapped():
    return any(image.soname == "libcuda.so.1" for image in nativeload.loaded())

nativeload.find_spec("z")
before = mapped()
begun = time.perf_counter()
version = nativeload.host.cuda_version()
took = time.perf_counter() - begun
begun = time.perf_counter()
nativeload.host.cuda_version()
again = time.perf_counter() - begun
print(json.dumps({
    "version": version, "mapped_before": before, "mapped_after": mapped(), "milliseconds": round(took * 1e3, 2),
    "milliseconds_again": round(again * 1e3, 2), "devices_opened": devices(), "threads": threads(),
    "lower": nativeload.host.supports("nvidia :: cuda_version_lower_bound :: 11.0"),
    "higher": nativeload.host.supports("nvidia :: cuda_version_lower_bound :: 99"),
    "driver": nativeload.host.report()["cuda"]["driver"],
}))
"""
CUDA = """
import ctypes, json
number = ctypes.c_int()
status = ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(number))
print(json.dumps({"status": status, "number": number.value}))
"""
RUNTIME = """
import ctypes, json, sys
import nativeload

requirement = sys.argv[1]
spec = nativeload.find_spec(requirement)
library = nativeload.load(requirement)
cudart = library.ctypes

def call(name, *arguments):
    status = getattr(cudart, name)(*arguments)
    if status:
        cudart.cudaGetErrorString.restype = ctypes.c_char_p
        raise SystemExit(f"{name}: {status} {cudart.cudaGetErrorString(status).decode()}")

version, driver, count = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
call("cudaRuntimeGetVersion", ctypes.byref(version))
call("cudaDriverGetVersion", ctypes.byref(driver))
call("cudaGetDeviceCount", ctypes.byref(count))
size = 1 << 20
sent = bytes(range(256)) * (size // 256)
there, back = ctypes.c_void_p(), ctypes.create_string_buffer(size)
call("cudaMalloc", ctypes.byref(there), ctypes.c_size_t(size))
call("cudaMemcpy", there, sent, ctypes.c_size_t(size), 1)
call("cudaMemcpy", back, there, ctypes.c_size_t(size), 2)
call("cudaFree", there)
runtimes = sorted({image.soname for image in nativeload.loaded() if (image.soname or "").startswith("libcudart.so")})
print(json.dumps({
    "found": spec.path, "path": library.path, "soname": library.soname, "provider": str(library.provider),
    "runtime": version.value, "driver": driver.value, "devices": count.value, "round_trip": back.raw == sent,
    "runtimes_mapped": runtimes,
}))
"""


def ask(code: str, *arguments: str, **environment: str) -> Any:
    """What a new process prints, or {"error": what it said}."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "NATIVELOAD_CACHE": "0", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"error": f"exit status {done.returncode}: {(done.stdout + done.stderr).strip()[-2000:]}"}


def smi() -> dict[str, str]:
    """What nvidia-smi says of the driver, the CUDA version and the GPUs; {} where there is none."""
    try:
        said = subprocess.run(["nvidia-smi"], capture_output=True, text=True, timeout=60, check=True).stdout
        gpus = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    cuda, driver = re.search(r"CUDA (?:UMD )?Version: *([\d.]+)", said), re.search(r"Driver Version: *([\d.]+)", said)
    names = ", ".join(re.findall(r"^GPU \d+: (.*?) \(", gpus, re.MULTILINE))
    return {"cuda": cuda[1] if cuda else "", "driver": driver[1] if driver else "", "gpus": names}


def main() -> int:
    """Ask everything, print it, and say what does not hold."""
    direct, host, vendor = ask(CUDA), ask(HOST), smi()
    if "error" in direct:
        print(json.dumps({"cuda": direct, "host": host, "nvidia-smi": vendor}, indent=2))
        return 3
    version = f"{direct['number'] // 1000}.{direct['number'] % 1000 // 10}"
    runtimes = {text: ask(RUNTIME, text) for text in ("cudart>=12,<13", "cudart>=13,<14", "cudart")}
    major = int(version.split(".")[0])
    holds = {
        "host.cuda_version is cuDriverGetVersion's": host.get("version") == version,
        "and nvidia-smi's": not vendor or vendor["cuda"] == version,
        "the driver is not mapped before it is asked": host.get("mapped_before") is False,
        "asking opens no device": host.get("devices_opened") == [],
        "11.0 is supported, 99 is not": (host.get("lower"), host.get("higher")) == (True, False),
    }
    for text, found in runtimes.items():
        wanted = min(major, 13) if text == "cudart" else int(text[8:10])
        if wanted > major:
            holds[f"{text}: refused, the driver's version named"] = f"gives CUDA {version}" in found.get("error", "")
            continue
        holds[f"{text}: its own major version"] = found.get("runtime", 0) // 1000 == wanted
        holds[f"{text}: found is loaded"] = "path" in found and found["found"] == found["path"]
        holds[f"{text}: of the wheel, and alone"] = found.get("runtimes_mapped") == [f"libcudart.so.{wanted}"]
        holds[f"{text}: a device, a round trip"] = bool(found.get("devices")) and found.get("round_trip") is True
    print(
        json.dumps({"cuda": direct, "nvidia-smi": vendor, "host": host, "runtimes": runtimes, "holds": holds}, indent=2)
    )
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
