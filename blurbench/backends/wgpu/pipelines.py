"""From `.wgsl` files to compute pipelines: one a class of problems, whatever their sizes."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

# In the order of their bindings: what all kernels take, as in prelude.wgsl and the `load` and
# `store` files. `image` and `result` come last.
BINDINGS = ("uniform", *("read-only-storage",) * 4, "storage")
WORKGROUP_BYTES = 64  # that a thread of `strip` takes
MOST_THREADS = 256


@functools.cache
def source(threads: int, *names: str) -> str:
    """The text of a kernel for workgroups of so many threads: what all share, then the parts."""
    here = Path(__file__).parent
    texts = ((here / f"{name}.wgsl").read_text("utf-8") for name in ("prelude", *names))
    return "\n".join((f"const THREADS = {threads}u;", *texts))


def threads_of(limits: dict[str, int]) -> int:
    """Threads of a workgroup: a power of 4, up to 256, within the limits of a device."""
    most = min(
        MOST_THREADS,
        limits["max-compute-invocations-per-workgroup"],
        limits["max-compute-workgroup-size-x"],
        limits["max-compute-workgroup-storage-size"] // WORKGROUP_BYTES,
    )
    return 1 << (most.bit_length() - 1) // 2 * 2


class Pipelines:
    """The pipelines of a device, compiled when first asked for, and what is bound to them.

    Attributes:
        threads: of a workgroup.
    """

    def __init__(self, device: Any, threads: int) -> None:
        self._device, self.threads = device, threads
        self._known: dict[tuple[str, ...], Any] = {}
        self._layout = device.create_bind_group_layout(
            entries=[
                {"binding": number, "visibility": "COMPUTE", "buffer": {"type": kind}}
                for number, kind in enumerate(BINDINGS)
            ]
        )
        self._outline = device.create_pipeline_layout(bind_group_layouts=[self._layout])

    def get(self, *names: str) -> Any:
        """The pipeline of a kernel made of these parts."""
        if names not in self._known:
            text = source(self.threads, *names)
            module = self._device.create_shader_module(code=text, label=" ".join(names))
            self._known[names] = self._device.create_compute_pipeline(
                layout=self._outline, compute={"module": module, "entry_point": "main"}
            )
        return self._known[names]

    def bind(self, resources: list[dict[str, Any]]) -> Any:
        """A bind group of buffers, or parts of them, in the order of `BINDINGS`."""
        return self._device.create_bind_group(
            layout=self._layout,
            entries=[{"binding": number, "resource": one} for number, one in enumerate(resources)],
        )
