"""Peak memory beyond image and result, measured: one process for each exact CPU implementation.

    python tools/peak_memory.py [SIDE [SIZE]]      prints a Markdown table

Linux only: the peak is what the kernel reports of the process.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from blurbench.backends.registry import backends
from blurbench.host import usable_cpus
from blurbench.kernel import GaussianKernel
from blurbench.problem import Problem


def resident_bytes(name: str) -> int:
    """`VmRSS`, or its peak `VmHWM`."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def measure(backend: str, method: str, side: int, size: int) -> None:
    """Print how far plan and blur push the peak, once libraries and code are loaded."""
    one = backends()[backend].implementation(method)
    assert one is not None
    dtype = np.dtype(np.float32)
    small = Problem(GaussianKernel.from_size(size), (64, 64), dtype, threads=usable_cpus())
    one.prepare(small)(np.ones((64, 64), dtype))
    image, out = np.ones((side, side), dtype), np.ones((side, side), dtype)
    problem = Problem(small.kernel, (side, side), dtype, threads=small.threads)
    one.check(problem)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident_bytes("VmRSS")
    one.prepare(problem)(image, out)
    print(resident_bytes("VmHWM") - before, one.work_bytes(problem))


def main(side: int = 4096, size: int = 31) -> None:
    print(f"{side}x{side} float32 (an image: {side * side * 4 / 2**20:.0f} MiB), size {size}\n")
    print(
        "| implementation | measured, MiB | in images | declared, MiB |\n"
        "| --- | ---: | ---: | ---: |"
    )
    for name, backend in backends().items():
        if backend.kind != "cpu" or not backend.probe().ok:
            continue
        for one in (each for each in backend.implementations if each.exact):
            command = [sys.executable, __file__, "--one", name, one.method, str(side), str(size)]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=900)
            if ended.returncode:
                print(f"| {one.name} | - | - | - |", ended.stderr.strip().splitlines()[-1])
                continue
            measured, declared = map(int, ended.stdout.split())
            images = measured / (side * side * 4)
            print(
                f"| {one.name} | {measured / 2**20:.1f} | {images:.2f} | {declared / 2**20:.1f} |"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    else:
        main(*map(int, sys.argv[1:]))
