"""The labels that a labeling job makes of what workers said: by its function, by AWS's for images, or by none.

Without a function the label is empty and its metadata has a worker-response-ref (guide, "Custom labeling workflows");
with one's own, its type is groundtruth/custom (outputs that users published). Not compared with AWS: that an object
which a function gives no label has failed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.labeling import consolidation
from embedded_aws.services.sagemaker.labeling.functions import built_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.jobs import Job
    from embedded_aws.services.sagemaker.labeling.answers import Answer, Answers
    from embedded_aws.services.sagemaker.labeling.functions import Functions
    from embedded_aws.services.sagemaker.labeling.output import Output


class Labels:
    """Makes one job's labels; `objects` are its manifest's, `categories` what workers choose from."""

    def __init__(
        self,
        job: Job,
        answers: Answers,
        *,
        output: Output,
        functions: Functions,
        objects: Sequence[dict[str, Any]],
        categories: Sequence[str],
    ) -> None:
        self._job, self._answers = job, answers
        self._human: Mapping[str, Any] = job.request["HumanTaskConfig"]
        self._label: str = job.request["LabelAttributeName"]
        self._output, self._functions = output, functions
        self._objects, self._categories = objects, categories

    def of(self, files: Mapping[int, str]) -> dict[int, Answer]:
        """Return what the output manifest adds to each of these objects; nothing where there is no label."""
        arn = self._human.get("AnnotationConsolidationConfig", {}).get("AnnotationConsolidationLambdaArn")
        if arn is None:
            return {number: self._own({}, **{"worker-response-ref": file}) for number, file in files.items()}
        objects = [self._annotated(number) for number in sorted(files)]
        request = self._output.put_request(objects)
        labels: Sequence[Mapping[str, Any]]
        if built_in(arn, self._job.record.account):
            labels = self._classes(sorted(files))
        else:
            labels = self._functions.after(arn, self._event(request))
        self._output.put_response(labels)
        found = {str(one["datasetObjectId"]): dict(one["consolidatedAnnotation"]["content"]) for one in labels}
        return {number: self._with_metadata(found.get(str(number), {})) for number in files}

    def _annotated(self, number: int) -> dict[str, Any]:
        """Return an object with what workers said of it, as functions get it."""
        data_object = self._objects[number]
        source = (
            {"s3Uri": data_object["source-ref"]} if "source-ref" in data_object else {"content": data_object["source"]}
        )
        return {
            "datasetObjectId": str(number),
            "dataObject": source,
            "annotations": [
                {"workerId": worker, "annotationData": {"content": json.dumps(answer["answerContent"])}}
                for worker, answer in self._answers.of(self._job.record.arn, number).items()
            ],
        }

    def _event(self, request: str) -> dict[str, Any]:
        return {
            "labelingJobArn": self._job.record.arn,
            "payload": {"s3Uri": request},
            **({"labelCategories": self._categories} if self._categories else {}),
            "labelAttributeName": self._label,
            "roleArn": self._job.role.arn,
            "outputConfig": self._output.annotations,
            "maxHumanWorkersPerDataObject": self._human["NumberOfHumanWorkersPerDataObject"],
        }

    def _classes(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return the labels of images, as AWS's own function answers them."""
        votes = {number: voted for number in numbers if (voted := self._votes(number))}
        alone = self._human["NumberOfHumanWorkersPerDataObject"] == 1
        chosen = consolidation.consolidate([*votes.values()], len(self._categories)) if votes else []
        return [
            {
                "datasetObjectId": str(number),
                "consolidatedAnnotation": {
                    "content": {
                        self._label: index,
                        f"{self._label}-metadata": {
                            "confidence": 0.0 if alone else round(confidence, 2),
                            "job-name": f"labeling-job/{self._job.record.name.lower()}",
                            "class-name": self._categories[index],
                            "human-annotated": "yes",
                            "creation-date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}",
                            "type": "groundtruth/image-classification",
                        },
                    }
                },
            }
            for number, (index, confidence) in zip(votes, chosen, strict=True)
        ]

    def _votes(self, number: int) -> dict[str, int]:
        """Return which category each worker has chosen; who has chosen none of them has no vote."""
        votes = {}
        for worker, answer in self._answers.of(self._job.record.arn, number).items():
            chosen = [each.get("label") for each in answer["answerContent"].values() if isinstance(each, dict)]
            for label in chosen:
                if label in self._categories:
                    votes[worker] = self._categories.index(label)
        return votes

    def _with_metadata(self, content: dict[str, Any]) -> Answer:
        if self._label not in content:
            return {}
        if f"{self._label}-metadata" in content:
            return content
        return {**content, **self._own(content[self._label])}

    def _own(self, label: Any, **more: str) -> Answer:
        """Return a label of the job's own kind with its metadata."""
        metadata = {
            "type": "groundtruth/custom",
            "job-name": self._job.record.name.lower(),
            "human-annotated": "yes",
            "creation-date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+0000}",
            **more,
        }
        return {self._label: label, f"{self._label}-metadata": metadata}
