"""The equivalents, executed: every call must blur as scipy:separable does."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import blurbench
from blurbench.border import BORDERS
from blurbench.inspect.equivalents import Equivalent, equivalents
from blurbench.kernel import GaussianKernel, make_kernel

MODULES = {
    "OpenCV": "cv2",
    "scikit-image": "skimage",
    "SciPy": "scipy",
    "torchvision": "torchvision",
}
KERNELS = {
    "size 1": make_kernel(size=1),
    "size 3": make_kernel(size=3),
    "size 9": make_kernel(size=9),
    "size 14": make_kernel(size=14, allow_even=True),
    "size 15": make_kernel(size=15),
    "size 31, sigma 3": make_kernel(3.0, 31),
    "sigma 0.3": make_kernel(0.3),
    "sigma 1/3": make_kernel(1 / 3),
    "sigma 2.5": make_kernel(2.5),
    "sigma 7.77": make_kernel(7.77),
}


def find(library: str, kernel: GaussianKernel, border: str) -> Equivalent:
    return next(one for one in equivalents(kernel, border) if one.name == library)


def execute(code: str, image: Any) -> Any:
    names: dict[str, Any] = {"image": image}
    exec(code, names)
    return np.asarray(names["blurred"])


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("library", MODULES)
@pytest.mark.parametrize(("dtype", "rounding"), [("float32", 1e-6), ("float64", 1e-11)])
def test_every_call_blurs_as_we_do(library: str, border: str, dtype: str, rounding: float) -> None:
    if find_spec(MODULES[library]) is None:
        pytest.skip(f"{library} is not installed")
    image = np.random.default_rng(3).uniform(0, 1, (67, 71)).astype(dtype)
    others = []
    for name, kernel in KERNELS.items():
        code = find(library, kernel, border).code
        if code is None:
            continue
        ours = blurbench.gaussian_blur(
            image, sigma=kernel.sigma, size=kernel.size, allow_even=kernel.even, border=border
        )
        theirs = execute(code, image)
        if theirs.dtype != image.dtype or np.abs(theirs - ours).max() > rounding:
            others.append(name)
    assert others == []


@pytest.mark.parametrize(
    ("library", "size", "border", "reason"),
    [
        ("OpenCV", 15, "wrap", "refuse the border wrap"),
        ("OpenCV", 14, "wrap", "refuse the border wrap"),
        ("scikit-image", 14, "reflect", "odd"),
        ("torchvision", 15, "reflect", "always mirror"),
        ("torchvision", 14, "mirror", "even"),
        ("MATLAB", 15, "mirror", "does not know the border mirror"),
        ("MATLAB", 14, "reflect", "even"),
        ("Pillow", 15, "reflect", "three boxes"),
    ],
)
def test_where_no_call_gives_the_kernel_it_says_why(
    library: str, size: int, border: str, reason: str
) -> None:
    found = find(library, make_kernel(size=size, allow_even=True), border)
    assert found.code is None
    assert reason in str(found.reason)


@pytest.mark.parametrize(
    ("library", "refused"), [("OpenCV", ["wrap"]), ("scikit-image", []), ("SciPy", [])]
)
def test_an_odd_kernel_has_a_call_under_every_border_that_the_library_knows(
    library: str, refused: list[str]
) -> None:
    assert [b for b in BORDERS if find(library, make_kernel(size=15), b).code is None] == refused


def test_opencv_indeed_refuses_that_border() -> None:
    cv2 = pytest.importorskip("cv2")
    image = np.zeros((9, 9), np.float32)
    with pytest.raises(cv2.error):
        cv2.GaussianBlur(image, (3, 3), 1.0, borderType=cv2.BORDER_WRAP)


def test_the_matlab_call_is_as_its_documentation_says() -> None:
    assert find("MATLAB", make_kernel(2.5), "nearest").code == (
        'blurred = imgaussfilt(image, 2.5, "FilterSize", 21, ...\n'
        '    "Padding", "replicate", "FilterDomain", "spatial");'
    )


@pytest.mark.parametrize("border", BORDERS)
def test_no_line_is_wider_than_76_columns(border: str) -> None:
    found = [one for kernel in KERNELS.values() for one in equivalents(kernel, border)]
    code = "\n".join(one.code or "" for one in found)
    assert max(map(len, code.splitlines())) <= 76
