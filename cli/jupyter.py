"""What runs in a notebook instance's Jupyter, asked the way its student's browser asks.

A presigned URL gives a session: scripts of AWS's users GET it and open a terminal's websocket with its cookies. Not
compared with AWS: that Jupyter's REST API answers to the same cookies.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.errors import LabError
from cli.pausable import NOTEBOOK_IN_SERVICE

if TYPE_CHECKING:
    from cli.place import Place

_SECONDS = 20


@dataclass(frozen=True)
class Activity:
    """Kernels that compute, and terminals that are open: what runs in one of them Jupyter does not tell."""

    busy_kernels: int
    terminals: int

    def __str__(self) -> str:
        """For a sentence; empty if nothing runs."""
        parts = [_count(self.busy_kernels, "busy kernel"), _count(self.terminals, "open terminal")]
        return " and ".join(part for part in parts if part)


def activity(here: Place, instance: str) -> Activity:
    """What runs in the notebook instance: nothing, unless it is in service and its Jupyter is up.

    Raises LabError if its Jupyter does not answer.
    """
    sagemaker = here.client("sagemaker")
    found = sagemaker.describe_notebook_instance(NotebookInstanceName=instance)
    if found["NotebookInstanceStatus"] not in NOTEBOOK_IN_SERVICE or not found.get("Url"):
        return Activity(0, 0)
    url = sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=instance)["AuthorizedUrl"]
    try:
        kernels, terminals = _ask(url, "kernels", "terminals")
    except (OSError, ValueError) as error:
        raise LabError(
            f"The notebook {instance} can't be asked whether it is busy ({error}): stop it first, or add --force."
        ) from None
    busy = [kernel for kernel in kernels if kernel.get("execution_state") == "busy"]
    return Activity(len(busy), len(terminals))


def _ask(url: str, *what: str) -> list[Any]:
    """Jupyter's answers, in the session that the URL opens."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(url, timeout=_SECONDS) as page:
        home = urlsplit(page.url)
    answers = []
    for name in what:
        with opener.open(f"{home.scheme}://{home.netloc}/api/{name}", timeout=_SECONDS) as answer:
            answers.append(json.load(answer))
    return answers


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}" if number else ""
