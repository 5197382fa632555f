"""Photographs a second: `blurbench blur` of a folder against the loops that one would write.

    python tools/photo_loops.py [COUNT [ROUNDS]]      prints a Markdown table

Each loop is a process of its own, timed from start to end; they take turns, after one turn on a
few photographs that is not counted. All write JPEG of quality 95.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import PIL.Image

from blurbench.image import resize, testcard_image

SIGMA, SIZE, QUALITY = 2.5, 21, 95
SIDES = [(640, 480), (1024, 768), (1600, 1200), (2048, 1536), (3000, 2000)]
SHAPES = [shape for wide, narrow in SIDES for shape in ((wide, narrow), (narrow, wide))]
FEW = 10

OPENCV = f"""
import sys, cv2
from pathlib import Path
for photo in sorted(Path(sys.argv[1]).iterdir()):
    blurred = cv2.GaussianBlur(cv2.imread(str(photo)), ({SIZE}, {SIZE}), {SIGMA})
    cv2.imwrite(f"{{sys.argv[2]}}/{{photo.name}}", blurred, [cv2.IMWRITE_JPEG_QUALITY, {QUALITY}])
"""
PILLOW = f"""
import sys
from pathlib import Path
from PIL import Image, ImageFilter
for photo in sorted(Path(sys.argv[1]).iterdir()):
    with Image.open(photo) as opened:
        blurred = opened.filter(ImageFilter.GaussianBlur({SIGMA}))
    blurred.save(f"{{sys.argv[2]}}/{{photo.name}}", quality={QUALITY})
"""
HOW = ["--size", str(SIZE), "--sigma", str(SIGMA), "--force", "--quiet"]
LOOPS = {
    "blurbench, numba": ["-m", "blurbench", "blur", *HOW, "--backend", "numba"],
    "blurbench, scipy": ["-m", "blurbench", "blur", *HOW],
    "cv2.GaussianBlur": ["-c", OPENCV],
    "Pillow GaussianBlur": ["-c", PILLOW],
}


def make_photos(folder: Path, count: int) -> None:
    """JPEG files of many sizes, in both orientations: the test card under a little noise."""
    rng = np.random.default_rng(5)
    for number, (width, height) in enumerate(islice(cycle(SHAPES), min(count, len(SHAPES)))):
        pixels = resize(testcard_image(), width, height).pixels
        noisy = pixels + rng.normal(0, 4, (height, width, 1))
        photo = PIL.Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        photo.save(folder / f"{number:05}.jpg", quality=92)
    for number in range(len(SHAPES), count):
        same = folder / f"{number % len(SHAPES):05}.jpg"
        (folder / f"{number:05}.jpg").write_bytes(same.read_bytes())


def seconds(loop: str, photos: Path, out: Path) -> float:
    """From the start of the loop's process to its end; fails where its library is missing."""
    words = LOOPS[loop]
    places = [str(photos), "-o", str(out)] if words[0] == "-m" else [str(photos), str(out)]
    began = time.perf_counter()
    subprocess.run([sys.executable, *words, *places], check=True, stderr=subprocess.PIPE)
    return time.perf_counter() - began


def main(count: int = 500, rounds: int = 5) -> None:
    with TemporaryDirectory() as place:
        photos, few, out = (Path(place, name) for name in ("photos", "few", "out"))
        for folder in (photos, few, out):
            folder.mkdir()
        make_photos(few, FEW)
        make_photos(photos, count)
        taken: dict[str, list[float]] = {}
        for loop in LOOPS:
            try:
                seconds(loop, few, out)
                taken[loop] = []
            except subprocess.CalledProcessError as error:
                print(f"Going on without {loop}:", error.stderr.decode().splitlines()[-1])
        for turn in range(rounds):
            for loop in sorted(taken, reverse=turn % 2 == 1):
                taken[loop].append(seconds(loop, photos, out))
    print(f"{count} photographs, {rounds} rounds, sigma {SIGMA}, size {SIZE}\n")
    print("| loop | images/s, median | lowest | highest |\n| --- | ---: | ---: | ---: |")
    for loop, durations in taken.items():
        rates = [count / each for each in durations]
        print(f"| {loop} | {statistics.median(rates):.1f} | {min(rates):.1f} | {max(rates):.1f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
