"""What a booting machine prints, passed on to CloudWatch Logs: a stream for each lifecycle script and for Jupyter.

What a script leaves in the background prints to Jupyter's stream once Jupyter runs.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING

from embedded_aws.runtime.logs import LogStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embedded_aws.runtime.credentials import Role

GROUP = "/aws/sagemaker/NotebookInstances"


class Console:
    """Reads the output of `boot.py`, whose own lines begin with `mark`.

    `settled` is set once JupyterLab is to come up, or nothing will; `failure` is the hook that failed and how.
    """

    def __init__(self, name: str, role: Role) -> None:
        self.mark = secrets.token_hex(16)
        self.settled = threading.Event()
        self.failure: tuple[str, str] | None = None
        self._name, self._role = name, role

    def follow(self, lines: Iterable[str]) -> None:
        """Pass all lines on; returns when there are no more."""
        stream: LogStream | None = None
        for line in lines:
            mark, _, news = line.partition(" ")
            if mark != self.mark:
                if stream:
                    stream.put(line)
                continue
            log = self._heard(*news.split())
            if log:
                if stream:
                    stream.close()
                stream = LogStream(self._role, group=GROUP, stream=f"{self._name}/{log}")
        self.settled.set()
        if stream:
            stream.close()

    def _heard(self, event: str, hook: str = "", status: str = "") -> str:
        """Take note of what boot.py says; the log that begins with it, if one does."""
        if event == "run":
            return f"LifecycleConfig{hook}"
        if event == "serve":
            self.settled.set()
            return "jupyter.log"
        self.failure = (hook, status)
        return ""
