"""CUDA kernels as machine code, by NVIDIA's compiler library alone: no driver, no GPU."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import re
import threading
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from helpers.cuda_on_cpu import FOLDER


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


def assemble(text: str, options: tuple[str, ...], architecture: str) -> Resources:
    """Compile a kernel for an architecture such as `sm_90`; what is known of it is kept."""
    path = compiler()
    assert path is not None
    size = path.stat().st_size  # another compiler is another file
    key = "\0".join((text, *options, architecture, str(path), str(size)))
    kept = FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    if kept.exists():
        return Resources(**json.loads(kept.read_text("utf-8")))
    found = _assembled(path, text, options, architecture)
    FOLDER.mkdir(parents=True, exist_ok=True)
    whole = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    whole.write_text(json.dumps(asdict(found)), "utf-8")
    whole.replace(kept)
    return found


def _assembled(path: Path, text: str, options: tuple[str, ...], architecture: str) -> Resources:
    """What the assembler says."""
    for builtins in path.parent.glob("libnvrtc-builtins.so*"):
        ctypes.CDLL(str(builtins))  # NVRTC itself looks for it where the system does
    nvrtc = ctypes.CDLL(str(path))
    program = ctypes.c_void_p()
    given = [*options, f"-arch={architecture}", "--ptxas-options=-v"]
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
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))

    def number(pattern: str) -> int:
        return sum(int(text) for text in re.findall(pattern, said))

    return Resources(
        number(r"Used (\d+) registers"),
        number(r"(\d+) bytes spill"),
        number(r"(\d+) bytes smem"),
    )
