"""The script that draws the charts: Vega-Embed with all that it needs."""

from __future__ import annotations

import functools
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor

# To bundle it takes two seconds in which the interpreter does nothing else.
BUNDLE = """
import sys, vl_convert
sys.stdout.buffer.write(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode())
"""


@functools.cache
def bundling() -> Future[str]:
    """The script, which another process bundles meanwhile: once, for all pages."""
    return ThreadPoolExecutor(1).submit(_bundle)


def _bundle() -> str:
    done = subprocess.run([sys.executable, "-c", BUNDLE], stdout=subprocess.PIPE, check=True)
    # A function's body, so that its names stay its own.
    return f'(() => {{"use strict";{done.stdout.decode()}}})();'
