"""A WebGPU device's memory: its buffers, and how they are written and read."""

from __future__ import annotations

import weakref
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blurbench import host
from blurbench.backends.wgpu.queue import CommandQueue
from blurbench.errors import lacks_memory

WORD = 4  # bytes; what is copied begins and ends at whole ones


class Memory:
    """The buffers of a device. What is written or read waits its turn in the queue.

    Args:
        gpu: wgpu's device.
        name: of the device, for what refuses a buffer.
        most_bytes: of a buffer.
        on_host: whether it is the host's memory.

    Attributes:
        held_bytes: in buffers that are not gone.
    """

    def __init__(
        self, gpu: Any, queue: CommandQueue, name: str, most_bytes: int, on_host: bool
    ) -> None:
        self._gpu, self._queue, self._name = gpu, queue, name
        self._most_bytes, self._on_host = most_bytes, on_host
        self._usage = import_module("wgpu").BufferUsage
        self._staging: Any = None
        self.held_bytes = 0

    def free_bytes(self) -> int:
        """As much as one buffer may have, within the host's memory: WebGPU tells no more."""
        available = host.available_memory()
        return self._most_bytes if available is None else min(self._most_bytes, available)

    def buffer(self, nbytes: int, data: NDArray[Any] | None = None) -> Any:
        """A buffer for kernels and copies, of whole words; filled if data is given.

        Raises:
            MemoryError: there is no room for it.
        """
        size, usage = words(max(nbytes, 1)), self._usage
        if size > self._most_bytes:
            raise MemoryError(
                f"{size} bytes are more than {self._name} takes in one array, {self._most_bytes}"
            )
        # Where it is the host that has too little, the system would end this process.
        if self._on_host and size > (free := self.free_bytes()):
            raise MemoryError(f"{size} bytes are asked for and {free} are free")
        try:
            made = self._gpu.create_buffer(
                size=size, usage=usage.STORAGE | usage.COPY_SRC | usage.COPY_DST
            )
        except Exception as error:  # for wgpu, too little memory is a validation error
            if not lacks_memory(error):
                raise
            said = f"{size} bytes are asked for beside the {self.held_bytes} held"
            raise MemoryError(said) from error
        self.held_bytes += size
        weakref.finalize(made, self._give_back, size)
        if data is not None:
            self.write(data, made)
        return made

    def _give_back(self, size: int) -> None:
        self.held_bytes -= size

    def uniform(self, data: NDArray[Any]) -> Any:
        """A buffer for a kernel's numbers."""
        return self._gpu.create_buffer_with_data(data=data, usage=self._usage.UNIFORM)

    def write(self, data: NDArray[Any], buffer: Any) -> None:
        """Copy a contiguous host array into a buffer."""
        flat = data.reshape(-1).view(np.uint8)
        whole = flat.size // WORD * WORD
        with self._queue.lock:
            self._queue.submit()  # what is written comes before all that is not yet submitted
            if whole:
                self._gpu.queue.write_buffer(buffer, 0, flat[:whole])
            if whole < flat.size:
                last = np.zeros(WORD, np.uint8)
                last[: flat.size - whole] = flat[whole:]
                self._gpu.queue.write_buffer(buffer, whole, last)

    def read(self, buffer: Any, host: NDArray[Any]) -> None:
        """Copy a buffer into a host array through a staging buffer; waits until it is there."""
        size = words(host.nbytes)
        with self._queue.lock:
            staging = self._landing(size)
            self.copy(buffer, staging, size)
            self._queue.submit()
            self._map(staging, size)
            seen = np.frombuffer(staging.read_mapped(0, size, copy=False), np.uint8)
            np.copyto(host, seen[: host.nbytes].view(host.dtype).reshape(host.shape))
            del seen
            staging.unmap()

    def copy(self, source: Any, target: Any, nbytes: int) -> None:
        """Encode the copy of so many bytes, in whole words, of a buffer into another."""
        with self._queue.commands() as encoder:
            encoder.copy_buffer_to_buffer(source, 0, target, 0, words(nbytes))

    def finish(self) -> None:
        """Wait until all work is done that is queued.

        A buffer can be mapped when what was submitted up to its last use is done. The queue's own
        on_submitted_work_done fails in wgpu 0.32.
        """
        with self._queue.lock:
            staging = self._landing(WORD)
            with self._queue.commands() as encoder:
                encoder.clear_buffer(staging, 0, WORD)
            self._queue.submit()
            self._map(staging, WORD)
            staging.unmap()

    def release(self) -> None:
        """Give back what is kept for the next copy."""
        self._staging = None

    def _landing(self, size: int) -> Any:
        """A staging buffer of at least this size; the last one is kept."""
        if self._staging is None or self._staging.size < size:
            usage = self._usage
            self._staging = None
            self._staging = self._gpu.create_buffer(
                size=size, usage=usage.MAP_READ | usage.COPY_DST
            )
        return self._staging

    def _map(self, staging: Any, size: int) -> None:
        """Wait until so many bytes of a staging buffer can be read."""
        try:
            staging.map_sync("READ", 0, size)
        except BaseException:
            self._staging = None  # it may be mapped, or not
            raise


def words(nbytes: int) -> int:
    """So many bytes in whole words."""
    return -(-nbytes // WORD) * WORD
