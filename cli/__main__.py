"""`python -m cli` is `./lab`."""

from cli.run import run

run()
