"""What is mended in ministack, one module a subject: the one package that touches its internals.

The names used here are private to ministack 1.5.33, which is pinned exactly;
`tests/embedded_aws/patches/test_signatures.py` says which one is gone when that pin moves.
"""
