"""The script that draws the charts: Vega-Embed with all that it needs."""

from __future__ import annotations

import functools
import re
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
    # With a dot before it the name reads like a hidden folder's: a search for paths stumbles.
    named = re.sub(r"\.(library)\b", r'["\1"]', done.stdout.decode())
    return named.replace("</script", "<\\/script")
