"""`python -m cli` is `./lab`."""

from cli.main import run

run()
