"""The checks of `./lab preflight`, one file a subject."""
