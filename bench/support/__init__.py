"""Support of the benchmarks: an embedded AWS of their own, callers, data, tables and curves."""
