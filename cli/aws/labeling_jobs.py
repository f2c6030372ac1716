"""Ground Truth's jobs of a lab, as SageMaker lists them: members are botocore's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.aws.instance_counts import JOB_WITH_INSTANCES
from teardown.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

LABELING_JOB = "labeling job"
_BEGINS = "Initializing"


@dataclass(frozen=True)
class LabelingJob:
    """A labeling job: how many of its objects are labeled, and how many are still to be."""

    name: str
    status: str
    labeled: int
    unlabeled: int

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> LabelingJob:
        """Return the job of a listing."""
        counters = summary["LabelCounters"]
        return cls(
            summary["LabelingJobName"],
            summary["LabelingJobStatus"],
            counters.get("TotalLabeled", 0),
            counters.get("Unlabeled", 0),
        )

    @property
    def runs(self) -> bool:
        """Return whether it has not ended."""
        return self.status == _BEGINS or self.status in JOB_WITH_INSTANCES


def listed(sagemaker: Any, lab: str, **only: Any) -> list[LabelingJob]:
    """List the jobs whose names are the lab's, or those that the filters let through."""
    pages = sagemaker.get_paginator("list_labeling_jobs").paginate(NameContains=lab, **only)
    found = [LabelingJob.of(each) for page in pages for each in page["LabelingJobSummaryList"]]
    return [job for job in found if Scope(lab=lab).names(job.name)]
