"""What a student may do with labelling jobs: see which photos there are, and answer for the seat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from infra.constructs import statements
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.statements import allow
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import Construct

    from infra.constructs.statements import Statement

_DOCUMENTS = ("input.manifest", "job.json", "labels.json", "manifests/output/output.manifest")


class SeatLabels(iam.CfnManagedPolicy):
    """A policy of its own: the inline ones of the seat's role hold all that IAM takes."""

    def __init__(self, scope: Construct, construct_id: str, *, bucket_arn: str, seat: str, role_name: str) -> None:
        own = names.labelling_answers("*", seat)
        super().__init__(
            scope,
            construct_id,
            description="Photos without labels, and the seat's own answers",
            policy_document=statements.as_json(_label(bucket_arn, own=own)),
            roles=[role_name],
        )
        acknowledge(
            self,
            {
                wildcard(f"…/{names.RAW_PHOTOS}*"): "Photos have the names that the team gave them.",
                wildcard(f"…/{own}*"): "A student's own answers in every labelling job.",
                **{
                    wildcard(f"…/{names.LABELLING_JOBS}*/{each}"): "The document of every labelling job."
                    for each in _DOCUMENTS
                },
            },
        )


def _label(bucket: str, *, own: str) -> Iterator[Statement]:
    """Read what is asked and who has answered; keep answers of the seat's own.

    Whose an answer is its key says, so that nobody answers for another seat, nor reads what it has answered.
    """
    yield statements.list_bucket(bucket, prefixes=[names.RAW_PHOTOS, names.LABELLING_JOBS])
    documents = [f"{names.LABELLING_JOBS}*/{each}" for each in _DOCUMENTS]
    reading = [f"{bucket}/{each}" for each in (f"{names.RAW_PHOTOS}*", f"{own}*", *documents)]
    yield allow(["s3:GetObject"], reading)
    yield statements.on_objects(bucket, actions=["s3:DeleteObject", "s3:PutObject"], prefixes=[own])
