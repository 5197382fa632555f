"""What other libraries call the things that have another name here, and the error that tells ours.

The command line takes these words; Python code is told the right one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from blurbench.errors import InputError


@dataclass(frozen=True)
class Vocabulary:
    """The words for one kind of thing.

    Attributes:
        what: the kind, as an error names it.
        elsewhere: words of other libraries, and the name here.
        unclear: words that may stand for several names, and which to use for what.
    """

    what: str
    elsewhere: Mapping[str, str]
    unclear: Mapping[str, str] = field(default_factory=dict)

    def find(self, word: str, known: Iterable[str]) -> str | None:
        """The one of the known names that a word stands for, whatever its case and dashes."""
        names = {plain(name): name for name in known}
        others = {plain(other): name for other, name in self.elsewhere.items()}
        found = others.get(plain(word), "")
        return names.get(plain(word)) or names.get(plain(found))

    def unknown(self, word: object, known: Iterable[str]) -> InputError:
        """The error that lists the known names, and tells the one that was meant."""
        names = list(known)
        text = f"{self.what} {word!r} is unknown: use one of {', '.join(names)}"
        if isinstance(word, str):
            meant = self.find(word, names)
            hint = self.unclear.get(plain(word)) if meant is None else f"it is called {meant} here"
            text += f"; {hint}" if hint else ""
        return InputError(text)


def plain(word: str) -> str:
    """A word without what people write differently: case, dashes, OpenCV's `BORDER_`."""
    bare = word.strip().lower().removeprefix("cv2.").removeprefix("border_")
    return bare.translate({ord(one): None for one in "-_ "})


BORDER = Vocabulary(
    "border",
    {
        "symmetric": "reflect",  # NumPy, MATLAB
        "grid-mirror": "reflect",  # SciPy
        "reflect101": "mirror",  # OpenCV
        "edge": "nearest",  # NumPy
        "replicate": "nearest",  # OpenCV, MATLAB, PyTorch
        "clamp": "nearest",  # textures of a GPU
        "circular": "wrap",  # MATLAB, PyTorch
        "periodic": "wrap",
        "grid-wrap": "wrap",  # SciPy
        "zero": "constant",
        "zeros": "constant",
        "black": "constant",  # libvips
        "grid-constant": "constant",  # SciPy
    },
    {
        "repeat": "to repeat the outermost pixel is nearest, the whole image wrap",
        "default": "OpenCV's is mirror, SciPy's is reflect",
    },
)
ZERO_BORDERS = ("zero", "zeros", "black")  # which say the value, too
# One word for two borders: what it is here, and what the other is called.
TWO_BORDERS = {
    "reflect": "reflect is that of SciPy and OpenCV, dcba|abcd|dcba; "
    "NumPy's and PyTorch's reflect is mirror here",
    "mirror": "mirror is that of SciPy, dcb|abcd|cba; libvips' and ImageMagick's is reflect here",
}

METHOD = Vocabulary(
    "method",
    {
        "2d": "direct",
        "dense": "direct",
        "naive": "direct",
        "filter2d": "direct",  # OpenCV
        "1d": "separable",
        "sep": "separable",
        "sepfilter2d": "separable",  # OpenCV
        "convsep": "separable",  # libvips
        "fourier": "fft",
        "dft": "fft",  # OpenCV
        "rfft": "fft",
        "cosine": "dct",
    },
    {
        "recursive": "the recursive ones are deriche and vyv",
        "iir": "the recursive ones are deriche and vyv",
    },
)

BACKEND = Vocabulary(
    "backend",
    {
        "np": "numpy",
        "ndimage": "scipy",
        "scipy.ndimage": "scipy",
        "pytorch": "torch",
        "cv": "opencv",
        "cv2": "opencv",
        "sk-image": "skimage",
        "scikit-image": "skimage",
        "vips": "pyvips",
        "libvips": "pyvips",
        "pil": "pillow",
        "torch_cuda": "torch_gpu",
        "pytorch_gpu": "torch_gpu",
        "webgpu": "wgpu",
        "opencl": "opencv_ocl",
        "ocl": "opencv_ocl",
        "umat": "opencv_ocl",  # OpenCV
    },
)

DTYPE = Vocabulary(
    "dtype",
    {
        "half": "float16",
        "fp16": "float16",
        "f16": "float16",
        "single": "float32",
        "fp32": "float32",
        "f32": "float32",
        "double": "float64",
        "fp64": "float64",
        "f64": "float64",
        "byte": "uint8",
    },
    {"float": "float is float32 in C, and float64 in Python"},
)
