"""`./lab interrupt`: take a training job's spot instances away, as EC2 may at any time, to see that it goes on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote

from cli import embedded, settings
from cli.aws import training_jobs
from cli.aws.instance_counts import TRAINING
from cli.aws.session import Target, connect
from cli.ui import screen
from cli.ui.errors import LabError
from embedded_aws.gateway import GatewayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Session

_SECONDS = 30


def interrupt(target: Target, context: Sequence[str], job: str | None, *, as_json: bool) -> None:
    """Interrupt the job, or the lab's only one that trains on spot instances."""
    if target is Target.AWS:
        raise LabError(
            "On AWS only EC2 interrupts a job's spot instances: try it on the embedded AWS, without `--target aws`."
        )
    lab = settings.read(context).name
    session = connect(target)
    if job is None:
        job = _only_one(session, lab)
    else:
        training_jobs.check([job], training_jobs.of_lab(session, lab), lab)
    _interrupt(job)
    if as_json:
        print(json.dumps({"training_job": job}, indent=2))
        return
    screen.console.print(
        f"[green]✓[/] {job} loses its instances: its script has been told, and within two minutes it starts again on "
        "others, from its last checkpoint. `./lab status` shows it.",
        soft_wrap=True,
    )


def _only_one(session: Session, lab: str) -> str:
    sagemaker = session.client("sagemaker")
    names = training_jobs.of_lab(session, lab, StatusEquals="InProgress")
    spot = [name for name in names if TRAINING.describe(sagemaker, name).get("EnableManagedSpotTraining")]
    if len(spot) != 1:
        raise LabError(
            f"Which job? `./lab interrupt JOB` with one of: {', '.join(spot)}."
            if spot
            else f"No training job of the lab {lab} runs on spot instances: `./lab up -c lab.spot=true` trains on some."
        )
    return spot[0]


def _interrupt(job: str) -> None:
    found = embedded.find()
    try:
        request = found.admin_request(f"/_embedded_aws/training-jobs/{quote(job)}/interrupt")
        with urllib.request.urlopen(request, timeout=_SECONDS, context=found.ssl_context()):  # noqa: S310 - its own URL
            return
    except GatewayError as error:
        raise LabError(str(error)) from None
    except urllib.error.HTTPError as error:
        with error:
            raise LabError(json.load(error)["message"]) from None
    except OSError as error:
        raise LabError(f"The embedded AWS did not answer ({error}): `./lab status` shows whether it runs.") from None
