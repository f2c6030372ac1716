"""What is mended in ministack, one module a subject: the one package that touches its internals.

A module is called after the AWS service it mends; `iam_…` are who asks, what IAM is asked, and what it answers;
`protocol` is what every answer looks like, `service_handlers` who answers, `patching` how it is done, and `apply` does
it all. The names of ministack 1.5.33, which is pinned exactly, are private: `embedded_aws/stubs/` holds those that are
touched, and `tests/embedded_aws/patches/test_stubs.py` says which one is gone or has changed when that pin moves.
"""
