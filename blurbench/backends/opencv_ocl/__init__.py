"""Backend `opencv_ocl`: OpenCV's own filters on `UMat`s, on a device of OpenCL, whoever made it."""

from __future__ import annotations

from contextlib import nullcontext

from blurbench.backends.backend import Backend, Implementation
from blurbench.backends.carried import carry
from blurbench.backends.lanes import Lanes
from blurbench.backends.opencv_ocl.arrays import DEPTHS
from blurbench.backends.opencv_ocl.device import current_device, open_device
from blurbench.backends.opencv_ocl.plan import OpenCLFilterPlan, work_bytes
from blurbench.backends.opencv_ocl.selection import probe
from blurbench.methods import direct, separable

# Of an axis. Beyond, sums in float32 come near the bounds of the exactness contract, then leave it;
# and dense taps become a long text that some driver has to compile.
MOST_TAPS = {"direct": 101, "separable": 255}

backend = Backend(
    "opencv_ocl",
    "gpu",
    (
        Implementation(
            "opencv_ocl",
            "direct",
            "library",
            lambda problem: OpenCLFilterPlan(current_device(), problem, "direct"),
            direct.operations,
            work_bytes,
            dtypes=tuple(DEPTHS),
            largest=MOST_TAPS["direct"],
        ),
        Implementation(
            "opencv_ocl",
            "separable",
            "library",
            lambda problem: OpenCLFilterPlan(current_device(), problem, "separable"),
            separable.operations,
            work_bytes,
            dtypes=tuple(DEPTHS),
            largest=MOST_TAPS["separable"],
        ),
    ),
    probe,
    carry,
    open_device,
    # A device has one queue, which all threads share.
    Lanes(lambda: 0, nullcontext, lambda: current_device().free_bytes()),
    own_arrays=True,
    distributions=("opencv-python-headless", "opencv-python"),
)
