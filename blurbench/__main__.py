"""`python -m blurbench`."""

from blurbench.cli.main import main

main()
