"""What is blurred: image files read and written in the type of their pixels, opacity included."""

from blurbench.image.extents import cover, crop, resize
from blurbench.image.image import Image, testcard_image
from blurbench.image.memory import check_kernel_memory, check_memory, reading_bytes
from blurbench.image.opacity import blur_with_alpha, weighted_dtype
from blurbench.image.read import read_image
from blurbench.image.write import SUFFIXES, can_hold, check_writable, write_image

__all__ = [
    "SUFFIXES",
    "Image",
    "blur_with_alpha",
    "can_hold",
    "check_kernel_memory",
    "check_memory",
    "check_writable",
    "cover",
    "crop",
    "read_image",
    "reading_bytes",
    "resize",
    "testcard_image",
    "weighted_dtype",
    "write_image",
]
