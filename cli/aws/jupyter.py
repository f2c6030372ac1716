"""A notebook instance's Jupyter: what runs in it and its files, asked the way its student's browser asks.

A presigned URL gives a session: scripts of AWS's users GET it and open a terminal's websocket with its cookies. Not
compared with AWS: that Jupyter's REST API answers to the same cookies.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlsplit

from cli.aws.instance_counts import NOTEBOOK_IN_SERVICE
from cli.ui.errors import LabError
from teardown import refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.aws.session import Session

_SECONDS = 20


@dataclass(frozen=True)
class Activity:
    """Kernels that compute, and terminals that are open: what runs in one of them Jupyter does not tell."""

    busy_kernels: int
    terminals: int

    def __str__(self) -> str:
        """Return the words for a sentence; empty if nothing runs."""
        parts = [_count(self.busy_kernels, "busy kernel"), _count(self.terminals, "open terminal")]
        return " and ".join(part for part in parts if part)


def activity(session: Session, instance: str) -> Activity:
    """Return what runs in the notebook instance: nothing, unless it is in service and its Jupyter is up.

    Raises LabError if its Jupyter does not answer.
    """
    sagemaker = session.client("sagemaker")
    found = {}
    with refusals.suppress(Refusal.GONE):
        found = sagemaker.describe_notebook_instance(NotebookInstanceName=instance)
    if not found or found["NotebookInstanceStatus"] not in NOTEBOOK_IN_SERVICE or not found.get("Url"):
        return Activity(0, 0)
    try:
        browser = _Browser.of(sagemaker, instance)
        kernels, terminals = browser.ask("kernels"), browser.ask("terminals")
    except (OSError, ValueError) as error:
        raise LabError(
            f"The notebook {instance} can't be asked whether it is busy ({error}): stop it first, or add --force."
        ) from None
    busy = [kernel for kernel in kernels if kernel.get("execution_state") == "busy"]
    return Activity(len(busy), len(terminals))


def files(session: Session, instance: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the path of each file that the student sees in JupyterLab, and the file to read.

    Raises OSError or ValueError if its Jupyter does not answer.
    """
    browser = _Browser.of(session.client("sagemaker"), instance)
    folders = [""]
    while folders:
        for each in browser.ask(f"contents/{quote(folders.pop())}?content=1")["content"]:
            if each["type"] == "directory":
                folders.append(each["path"])
            else:
                with browser.open(f"files/{quote(each['path'])}") as content:
                    yield each["path"], content


@dataclass(frozen=True)
class _Browser:
    """A browser's session, which a presigned URL has opened."""

    opener: urllib.request.OpenerDirector
    home: str

    @classmethod
    def of(cls, sagemaker: Any, instance: str) -> Self:
        url = sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=instance)["AuthorizedUrl"]
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        with opener.open(url, timeout=_SECONDS) as page:
            home = urlsplit(page.url)
        return cls(opener, f"{home.scheme}://{home.netloc}/")

    def open(self, path: str) -> IO[bytes]:
        # Files are handed out to Jupyter's own pages only.
        request = urllib.request.Request(f"{self.home}{path}", headers={"Referer": f"{self.home}lab"})  # noqa: S310 - AWS's URL
        opened: IO[bytes] = self.opener.open(request, timeout=_SECONDS)
        return opened

    def ask(self, what: str) -> Any:
        with self.open(f"api/{what}") as answer:
            return json.load(answer)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number > 1)}" if number else ""
