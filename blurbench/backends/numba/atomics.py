"""Whole numbers in memory that several threads change, each change whole."""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

INT64 = ir.IntType(64)
# What tells a processor that a loop only waits, so that it saves power and lets its twin run.
_PAUSES = {"x86_64": ("llvm.x86.sse2.pause", ()), "aarch64": ("llvm.aarch64.hint", (1,))}


@intrinsic
def add_to(typing_context: Any, address: Any, value: Any) -> tuple[Any, Any]:
    """Add to the number at an address; gives what it was before."""

    def generate(context: Any, builder: Any, given: Any, arguments: Any) -> Any:
        address, value = arguments
        place = builder.inttoptr(address, INT64.as_pointer())
        return builder.atomic_rmw("add", place, value, "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic
def pause(typing_context: Any) -> tuple[Any, Any]:
    """Wait a few dozen cycles, where the processor has an instruction for it."""

    def generate(context: Any, builder: Any, given: Any, arguments: Any) -> Any:
        name, numbers = _PAUSES.get(binding.get_process_triple().split("-")[0], ("", ()))
        if name:
            values = [ir.Constant(ir.IntType(32), number) for number in numbers]
            signature = ir.FunctionType(ir.VoidType(), [value.type for value in values])
            function = cgutils.get_or_insert_function(builder.module, signature, name)
            builder.call(function, values)
        return context.get_dummy_value()

    return types.void(), generate
