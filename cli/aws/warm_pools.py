"""The warm pools of a lab: what its training jobs leave behind for the next one, and is billed until that comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.aws import pausing
from cli.aws.pausing import Standing

if TYPE_CHECKING:
    from cli.aws.session import Session
    from teardown.scope import Scope


def end(session: Session, scope: Scope) -> list[str]:
    """End the lab's; the names of their jobs. What one would have spared the next job, that job does itself."""
    sagemaker = session.client("sagemaker")
    listing = sagemaker.get_paginator("list_training_jobs")
    pages = listing.paginate(NameContains=scope.lab, WarmPoolStatusEquals="Available")
    standing = {
        job["TrainingJobName"]: Standing(job["WarmPoolStatus"]["Status"], job["TrainingJobArn"])
        for page in pages
        for job in page["TrainingJobSummaries"]
        if scope.names(job["TrainingJobName"])
    }
    ended = pausing.names(session, scope, standing)
    for name in ended:
        sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    return ended
