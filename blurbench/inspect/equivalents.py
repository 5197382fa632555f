"""The calls of other libraries that blur with the same taps under the same border."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from blurbench.kernel import GaussianKernel

OPENCV = {
    "reflect": "BORDER_REFLECT",
    "mirror": "BORDER_REFLECT_101",
    "nearest": "BORDER_REPLICATE",
    "constant": "BORDER_CONSTANT",
}
MATLAB = {"reflect": '"symmetric"', "nearest": '"replicate"', "wrap": '"circular"', "constant": "0"}


@dataclass(frozen=True)
class Equivalent:
    """How a library gets a kernel.

    Attributes:
        name: the library's.
        code: lines that make `blurred` of `image`, `(H, W)` and floating point; None where no
            call of the library does.
        reason: then why.
    """

    name: str
    code: str | None
    reason: str | None = None


def equivalents(kernel: GaussianKernel, border: str) -> list[Equivalent]:
    """For OpenCV, scikit-image, SciPy, torchvision, MATLAB and Pillow; a constant border is 0."""
    return [
        _opencv(kernel, border),
        _skimage(kernel, border),
        _scipy(kernel, border),
        _torchvision(kernel, border),
        _matlab(kernel, border),
        Equivalent("Pillow", None, "its GaussianBlur is three boxes in 8 bits"),
    ]


def native_call(
    backend: str,
    method: str,
    kernel: GaussianKernel,
    border: str,
    cval: float = 0.0,
    color: bool = False,
) -> str | None:
    """The call of `img` with which a backend's own library blurs; None where there is none.

    Args:
        color: whether the pixels have channels, in the last of three axes.
    """
    if backend not in _OF_BACKENDS or method != "separable" or kernel.even:
        return None
    code = _OF_BACKENDS[backend](kernel, border).code
    if code is None or (border == "constant" and cval != 0):
        return None
    statement = " ".join(line.strip() for line in code.splitlines() if "import" not in line)
    call = statement.removeprefix("blurred = ").replace("( image", "(img")
    return call.removesuffix(")") + _CHANNELS[backend] + ")" if color else call


def _opencv(kernel: GaussianKernel, border: str) -> Equivalent:
    if border not in OPENCV:
        return Equivalent("OpenCV", None, f"its filters of float images refuse the border {border}")
    size, sigma, how = kernel.size, _number(kernel.sigma), f"borderType=cv2.{OPENCV[border]}"
    if kernel.even:
        # Those of getGaussianKernel are off by up to 3 % of the peak where the size is even.
        lines = ["import cv2", *_even_taps(kernel)]
        lines += ["blurred = cv2.sepFilter2D(", f"    image, -1, taps, taps, {how})"]
    else:
        lines = [
            "import cv2",
            "blurred = cv2.GaussianBlur(",
            f"    image, ({size}, {size}), {sigma}, {how})",
        ]
    return _code("OpenCV", lines)


def _skimage(kernel: GaussianKernel, border: str) -> Equivalent:
    if kernel.even:
        return Equivalent("scikit-image", None, "its kernels are odd")
    lines = [
        "import skimage.filters",
        "blurred = skimage.filters.gaussian(",
        f"    image, {_number(kernel.sigma)}, truncate={_truncate(kernel)},",
        f'    mode="{border}", preserve_range=True)',
    ]
    return _code("scikit-image", lines)


def _scipy(kernel: GaussianKernel, border: str) -> Equivalent:
    sigma = _number(kernel.sigma)
    if kernel.even:
        lines = [
            "import scipy",
            *_even_taps(kernel),
            f'down = scipy.ndimage.correlate1d(image, taps, 0, mode="{border}")',
            f'blurred = scipy.ndimage.correlate1d(down, taps, 1, mode="{border}")',
        ]
    else:
        lines = [
            "import scipy",
            "blurred = scipy.ndimage.gaussian_filter(",
            f'    image, {sigma}, radius={kernel.radius}, mode="{border}")',
        ]
    return _code("SciPy", lines)


def _torchvision(kernel: GaussianKernel, border: str) -> Equivalent:
    if kernel.even:
        return Equivalent("torchvision", None, "it refuses even sizes")
    if border != "mirror":
        return Equivalent("torchvision", None, "its border is always mirror")
    lines = [
        "import torch",
        "from torchvision.transforms.v2.functional import gaussian_blur",
        "blurred = gaussian_blur(",
        f"    torch.as_tensor(image)[None], {kernel.size}, {_number(kernel.sigma)})[0]",
    ]
    return _code("torchvision", lines)


def _matlab(kernel: GaussianKernel, border: str) -> Equivalent:
    if kernel.even:
        return Equivalent("MATLAB", None, "imgaussfilt refuses even sizes")
    if border not in MATLAB:
        return Equivalent("MATLAB", None, f"imgaussfilt does not know the border {border}")
    lines = [
        f'blurred = imgaussfilt(image, {_number(kernel.sigma)}, "FilterSize", {kernel.size}, ...',
        f'    "Padding", {MATLAB[border]}, "FilterDomain", "spatial");',
    ]
    return _code("MATLAB", lines)


def _code(library: str, lines: list[str]) -> Equivalent:
    return Equivalent(library, "\n".join(lines))


def _even_taps(kernel: GaussianKernel) -> list[str]:
    """Lines that make them."""
    size, sigma = kernel.size, _number(kernel.sigma)
    return [
        "import numpy",
        f"taps = numpy.exp(-(((numpy.arange({size}) - {size / 2 - 0.5}) / {sigma}) ** 2) / 2)",
        "taps /= taps.sum()",
    ]


def _number(sigma: float) -> str:
    """Without the rounding in its last digits."""
    return f"{sigma:.12g}"


def _truncate(kernel: GaussianKernel) -> str:
    """The shortest number of sigmas at which SciPy's rule, `int(truncate*sigma + 0.5)`, cuts."""
    sigma = float(_number(kernel.sigma))
    texts = (f"{kernel.radius / sigma:.{digits}f}" for digits in count())
    return next(text for text in texts if int(float(text) * sigma + 0.5) == kernel.radius)


_CHANNELS = {"opencv": "", "skimage": ", channel_axis=-1", "scipy": ", axes=(0, 1)"}
_OF_BACKENDS = {"opencv": _opencv, "skimage": _skimage, "scipy": _scipy}
