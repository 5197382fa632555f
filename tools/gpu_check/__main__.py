"""`python -m gpu_check`: the whole programme, or one part of it in this process."""

from __future__ import annotations

import sys

from gpu_check.programme import main

if __name__ == "__main__":
    sys.exit(main())
