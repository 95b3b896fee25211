"""`python -m streams.cli` is `juice`."""

from streams.cli import main

main()
