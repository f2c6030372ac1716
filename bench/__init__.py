"""Benchmarks: `./lab bench` measures things side by side in one run, on anyone's machine."""
