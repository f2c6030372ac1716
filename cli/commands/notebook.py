"""`./lab notebook`: open a seat's JupyterLab in the browser."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli import settings
from cli.aws import seats
from cli.aws.instance_counts import NOTEBOOK_IN_SERVICE
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import LabError
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Target

_POLL_SECONDS = 0.5
_SECONDS = 900  # a notebook instance takes minutes to start on AWS
_SHOWN = 10


def notebook(target: Target, context: Sequence[str], name: str | None, *, browser: bool, as_json: bool) -> None:
    """Start the seat's notebook instance if need be, and open it by a presigned URL."""
    lab = settings.read(context)
    session = connect(target)
    one = _seat(seats.find(session, lab), name)
    instance = names.notebook(lab.name, one.name)
    # The embedded AWS answers when JupyterLab runs, after two lifecycle scripts of up to five minutes.
    sagemaker = session.client("sagemaker", timeout=_SECONDS)
    with screen.step(f"notebook {instance}", quiet=as_json) as retitle:
        _bring_into_service(sagemaker, instance, retitle, seat_name=one.name)
        retitle(f"notebook {instance}: JupyterLab starts")
        try:
            url = sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=instance)["AuthorizedUrl"]
        except ClientError as error:
            raise LabError(_refused(one.name, error.response["Error"]["Message"])) from None
        retitle(f"notebook {instance} is ready")
    if as_json:
        print(json.dumps({"seat": one.name, "notebook_instance": instance, "url": url}, indent=2))
        return
    screen.open_page(url, browser=browser)  # it lets its holder in


def _seat(found: Sequence[seats.SeatStatus], name: str | None) -> seats.SeatStatus:
    """Return the seat that is meant: the only one, if none is named."""
    if name is None and len(found) != 1:
        some = ", ".join([*(each.name for each in found[:_SHOWN]), *["…"] * (len(found) > _SHOWN)])
        raise LabError(
            f"Which seat? `./lab notebook SEAT` with one of: {some}."
            if found
            else "The lab has no seats: `./lab seats add NAME` makes one."
        )
    one = found[0] if name is None else seats.chosen(found, [name])[0]
    if one.notebook is None:
        raise LabError(
            f"The seat {one.name} has no notebook instance (its stack: {one.stack or 'none'}): `./lab up` deploys it, "
            f"`./lab seats rebuild {one.name}` makes it anew."
        )
    return one


def _bring_into_service(sagemaker: Any, instance: str, notice: Any, *, seat_name: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        found = sagemaker.describe_notebook_instance(NotebookInstanceName=instance)
        status = found["NotebookInstanceStatus"]
        if status in NOTEBOOK_IN_SERVICE:
            return
        if status == "Failed":
            raise LabError(_refused(seat_name, found.get("FailureReason", "it failed")))
        if status == "Stopped":
            sagemaker.start_notebook_instance(NotebookInstanceName=instance)
        notice(f"notebook {instance} is {status}")
        time.sleep(_POLL_SECONDS)
    raise LabError(f"The notebook {instance} did not come into service within {_SECONDS // 60} minutes.")


def _refused(name: str, reason: str) -> str:
    return (
        f"The notebook of {name} can't be opened: {reason} Its log is in CloudWatch, /aws/sagemaker/NotebookInstances; "
        f"`./lab seats rebuild {name}` makes the seat anew."
    )
