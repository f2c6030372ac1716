"""Warm start: of a warm pool's hosts, Python waits for the next job with the last script's imports done.

`host` starts such a Python beside the gateway; `toolkit` and `script` run in the image's own Python, the first in the
training toolkit's process, the second in the script's. Nothing here is needed for a job that leaves no warm pool.
"""
