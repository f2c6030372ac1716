"""The warm pools of a lab: what its training jobs leave behind for the next one, and is billed until that comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import pausable, stacks
from infra.handlers.teardown.scope import Scope
from infra.handlers.teardown.stacks import other_labs

if TYPE_CHECKING:
    from cli.place import Place


def end(here: Place, lab: str) -> list[str]:
    """End them all; the names of their jobs. What one would have spared the next job, that job does itself."""
    sagemaker, scope = here.client("sagemaker"), Scope(lab=lab, others=other_labs(stacks.every(here), lab))
    listing = sagemaker.get_paginator("list_training_jobs")
    pages = listing.paginate(NameContains=lab, WarmPoolStatusEquals="Available")
    ended = []
    for job in [each for page in pages for each in page["TrainingJobSummaries"]]:
        name = job["TrainingJobName"]
        if scope.names(name) and scope.has(name, pausable.tags_of(sagemaker, job["TrainingJobArn"])):
            sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
            ended.append(name)
    return ended
