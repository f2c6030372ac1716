"""Checks of the lab's templates and locks, and the findings that are accepted."""
