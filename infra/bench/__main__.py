"""`python -m infra.bench`."""

from infra.bench.cli import main

main()
