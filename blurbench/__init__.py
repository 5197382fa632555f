"""Which Gaussian blur should I run, here, on this image, and where does the answer change?

>>> import blurbench
>>> blurred = blurbench.gaussian_blur(image, size=15)           # one image
>>> plan = blurbench.prepare(image.shape, sigma=2.5, method="fft")
>>> blurred = [plan(frame) for frame in frames]                 # many images
>>> blurred = plan.stack(np.stack(frames))                      # in one array
>>> blurbench.compare(image, size=15)                           # which is the fastest here?
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from blurbench.version import __version__ as __version__

if TYPE_CHECKING:
    from blurbench.api.calls import compare, crossover, load, sweep
    from blurbench.api.result import RunResult
    from blurbench.blur import gaussian_blur, plan_cache, prepare
    from blurbench.border import BORDERS
    from blurbench.errors import InputError
    from blurbench.kernel import GaussianKernel
    from blurbench.memory import result_memory
    from blurbench.plan import Plan
    from blurbench.problem import Problem

__all__ = [
    "BORDERS",
    "GaussianKernel",
    "InputError",
    "Plan",
    "Problem",
    "RunResult",
    "compare",
    "crossover",
    "gaussian_blur",
    "load",
    "plan_cache",
    "prepare",
    "result_memory",
    "sweep",
]

_HOMES = {
    "BORDERS": "border",
    "GaussianKernel": "kernel",
    "InputError": "errors",
    "Plan": "plan",
    "Problem": "problem",
    "RunResult": "api.result",
    "compare": "api.calls",
    "crossover": "api.calls",
    "gaussian_blur": "blur",
    "load": "api.calls",
    "plan_cache": "blur",
    "prepare": "blur",
    "result_memory": "memory",
    "sweep": "api.calls",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import blurbench` and `--help` load no array library."""
    if name not in _HOMES:
        raise AttributeError(f"module 'blurbench' has no attribute {name!r}")
    value = getattr(import_module(f"blurbench.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
