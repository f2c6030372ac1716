"""The one package that touches ministack's internals, to make its services and ours one AWS.

The names used here are private to ministack 1.5.33, which is pinned exactly; `tests/embedded_aws/test_patches.py`
says which one is gone when that pin moves.
"""
