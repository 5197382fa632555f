"""The script that draws the charts: Vega-Embed with all that it needs."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

# To bundle it takes two seconds in which the interpreter does nothing else.
BUNDLE = """
import sys, vl_convert
sys.stdout.buffer.write(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode())
"""


@dataclass(frozen=True)
class Bundle:
    """A script as a page holds it.

    Attributes:
        packed: compressed, in base64.
        digest: what a page's policy allows it by.
    """

    packed: str
    digest: str


@functools.cache
def bundling() -> Future[Bundle]:
    """The script, which another process bundles meanwhile: once, for all pages."""
    return ThreadPoolExecutor(1).submit(_bundle)


def _bundle() -> Bundle:
    # Ctrl-C reaches that process as well, and this one alone says that it was interrupted.
    done = subprocess.run([sys.executable, "-c", BUNDLE], capture_output=True)
    if done.returncode:
        raise RuntimeError(f"the charts' script cannot be bundled: {done.stderr.decode().strip()}")
    # A function's body, so that its names stay its own.
    script = f'(() => {{"use strict";{done.stdout.decode()}}})();'.encode()
    packed = base64.b64encode(gzip.compress(script, mtime=0)).decode()
    return Bundle(packed, digest_of(script))


def digest_of(text: bytes) -> str:
    """The digest of a text, as content security policies name it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}"
