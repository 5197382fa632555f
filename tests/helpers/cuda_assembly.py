"""CUDA kernels as machine code, by NVIDIA's compiler library alone: no driver, no GPU."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from helpers.cuda_on_cpu import FOLDER

# What CuPy adds to a plan's own options.
AS_CUPY = ("-ftz=true", "--device-as-default-execution-space")


@dataclass(frozen=True)
class Resources:
    """What a compiled kernel takes: registers a thread, bytes spilled, bytes of shared memory."""

    registers: int
    spilled: int
    shared_bytes: int


def compiler() -> Path | None:
    """NVRTC as installed with pip, of whichever CUDA version; None where there is none."""
    found = find_spec("nvidia")
    folders = found.submodule_search_locations if found else None
    paths = (path for folder in folders or () for path in Path(folder).glob("*/lib/libnvrtc.so*"))
    return max(paths, default=None)


def disassembler() -> Path | None:
    """nvdisasm as installed with pip; None where it is not."""
    found = find_spec("nvidia")
    folders = found.submodule_search_locations if found else None
    paths = (path for folder in folders or () for path in Path(folder).glob("*/bin/nvdisasm"))
    return max(paths, default=None)


def assemble(text: str, options: tuple[str, ...], architecture: str) -> Resources:
    """Compile a kernel for an architecture such as `sm_90`; what is known of it is kept."""

    def found() -> dict[str, int]:
        return asdict(_resources(_compiled(text, options, architecture)[1]))

    return Resources(**kept(found, "resources", text, *options, architecture))


def disassemble(text: str, options: tuple[str, ...], architecture: str) -> str:
    """A kernel's machine code in words, as nvdisasm writes it."""
    path = disassembler()
    assert path is not None
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(_compiled(text, options, architecture)[0])
        file.flush()
        command = [str(path), "--print-code", file.name]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def kept(find: Callable[[], dict[str, Any]], *key: str) -> dict[str, Any]:
    """What was found before for this key and these tools, or is found now and kept."""
    tools = (f"{path} {path.stat().st_size}" for path in (compiler(), disassembler()) if path)
    digest = hashlib.sha256("\0".join((*key, *tools)).encode()).hexdigest()[:24]
    path = FOLDER / f"{digest}.json"
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return known
    found = find()
    FOLDER.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    whole.write_text(json.dumps(found), "utf-8")
    whole.replace(path)
    return found


def _resources(said: str) -> Resources:
    """What the assembler says."""

    def number(pattern: str) -> int:
        return sum(int(text) for text in re.findall(pattern, said))

    return Resources(
        number(r"Used (\d+) registers"),
        number(r"(\d+) bytes spill"),
        number(r"(\d+) bytes smem"),
    )


def _compiled(text: str, options: tuple[str, ...], architecture: str) -> tuple[bytes, str]:
    """The machine code, and what the compiler says."""
    path = compiler()
    assert path is not None
    for builtins in path.parent.glob("libnvrtc-builtins.so*"):
        ctypes.CDLL(str(builtins))  # NVRTC itself looks for it where the system does
    nvrtc = ctypes.CDLL(str(path))
    program = ctypes.c_void_p()
    given = [*options, *AS_CUPY, f"-arch={architecture}", "--ptxas-options=-v"]
    flags = (ctypes.c_char_p * len(given))(*(one.encode() for one in given))
    created = nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"kernel.cu", 0, None, None
    )
    assert created == 0
    status = nvrtc.nvrtcCompileProgram(program, len(given), flags)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    said = log.value.decode()
    assert status == 0, said
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    assert size.value > 0
    code = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetCUBIN(program, code)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return code.raw, said
