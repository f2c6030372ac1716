"""The lifecycle scripts of a notebook instance: which ones its next boot runs, their logs, AWS's words for a failure.

The sentence for a script that takes too long is AWS's (quoted in aws-samples/amazon-sagemaker-notebook-instance-
lifecycle-config-samples#86). AWS says it of scripts that failed, too (aws-samples/amazon-sagemaker-optuna-hpo-blog#4);
here a failed script gets a sentence of ours that says so. OnCreate runs "only once, when you create" the instance
(botocore), never at a start, which reads the configuration as it is then (botocore, of its update: "upon their next
start").
"""

from __future__ import annotations

import base64
import binascii
import secrets
import threading
from typing import TYPE_CHECKING

from embedded_aws.runtime.logs import LogStream
from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.store import Record, Store

GROUP = "/aws/sagemaker/NotebookInstances"
_JUPYTER_LOG = "jupyter.log"
_FOR = "Notebook Instance Lifecycle Config '{config}' for Notebook Instance '{notebook}'"
_LATE = (
    f"{_FOR} took longer than 5 minutes. "
    "Please check your CloudWatch logs for more details if your Notebook Instance has Internet access."
)
_FAILED = (
    f"{_FOR} failed: {{hook}} ended with exit code {{status}}. Please check your CloudWatch logs for more details."
)


class Lifecycle:
    """A notebook instance's scripts, as its lifecycle configuration had them when `read` was called."""

    seconds = 300  # NotebookInstanceLifecycleHook's documentation

    def __init__(self) -> None:
        self._config = ""
        self._scripts: dict[str, str] = {}
        self._created = False

    def read(self, record: Record, store: Store) -> None:
        """Read the scripts of the configuration that the notebook instance names. Raises ServiceError."""
        self._config, self._scripts = "", {}
        name = record.members.get("NotebookInstanceLifecycleConfigName")
        if not name:
            return
        config = store.get("NotebookInstanceLifecycleConfig", name, account=record.account, region=record.region)
        self._config = config.arn
        for hook in ("OnCreate", "OnStart"):
            for script in config.members.get(hook, ()):
                self._scripts[hook] = _decoded(script.get("Content", ""), f"{hook} of {config.arn}")

    def due(self) -> dict[str, str]:
        """Return the scripts of the next boot by hook, in their order: OnCreate at the first alone, OnStart always."""
        return {hook: text for hook, text in self._scripts.items() if hook != "OnCreate" or not self._created}

    @property
    def creates(self) -> bool:
        """Return whether there is something to run at the instance's creation."""
        return "OnCreate" in self.due()

    def completed(self) -> None:
        """Note that the instance is created."""
        self._created = True

    def failure(self, notebook: str, hook: str, status: str) -> str:
        """Return the FailureReason for a script that ended with this status; "" says that it took too long."""
        sentence = _FAILED if status else _LATE
        return sentence.format(config=self._config, notebook=notebook, hook=hook, status=status)


class Console:
    """Passes a booting machine's output on to CloudWatch Logs: a stream for each lifecycle script and for Jupyter.

    `boot.py`'s own lines begin with `mark`. What a script leaves in the background prints to Jupyter's stream once
    Jupyter runs; `notice` is the first line there. `settled` is set once JupyterLab is about to start, or nothing will;
    `failure` is the hook that failed and how.
    """

    def __init__(self, name: str, role: Role, *, notice: str = "") -> None:
        self.mark = secrets.token_hex(16)
        self.settled = threading.Event()
        self.failure: tuple[str, str] | None = None
        self._name, self._role, self._notice = name, role, notice

    def follow(self, lines: Iterable[str]) -> None:
        """Pass all lines on until there are no more."""
        stream: LogStream | None = None
        for line in lines:
            mark, _, event = line.partition(" ")
            if mark != self.mark:
                if stream:
                    stream.put(line)
                continue
            log = self._boot_event(*event.split())
            if log:
                if stream:
                    stream.close()
                stream = LogStream(self._role, group=GROUP, stream=f"{self._name}/{log}")
                if self._notice and log == _JUPYTER_LOG:
                    stream.put(self._notice)
        self.settled.set()
        if stream:
            stream.close()

    def _boot_event(self, event: str, hook: str = "", status: str = "") -> str:
        """Take note of an event of boot.py. Return the name of the log that begins with it, or ""."""
        if event == "run":
            return f"LifecycleConfig{hook}"
        if event == "serve":
            self.settled.set()
            return _JUPYTER_LOG
        self.failure = (hook, status)
        return ""


def _decoded(content: str, where: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise validation_exception(f"The Content of {where} is not a script in base64: {error}.") from error
