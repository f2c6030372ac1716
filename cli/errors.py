"""What the user did or met, said in one sentence with the next step."""


class LabError(Exception):
    """Ends a command with its message and exit code 1, without a traceback."""


class Interrupted(BaseException):
    """Ctrl-C, with what to do next. Typer would answer KeyboardInterrupt with the one word "Aborted"."""
