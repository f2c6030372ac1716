"""What has come of a labelling job: a label for each photo, how far people agree, and the files of it in the bucket."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labelling import agreement, manifests
from labelling.manifests import Consensus
from labelling.task import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from labelling.agreement import Agreement
    from labelling.manifests import Answer
    from labelling.store import JobStore

_TIMED = "%Y-%m-%d_%H:%M:%S.json"  # Ground Truth's names: 2019-10-27_08:56:48.json
_REVIEWED = 1.0


@dataclass(frozen=True)
class Results:
    """The answers of a job's people, and those of its reviewers, whose word is the last."""

    store: JobStore
    answers: Sequence[Answer]
    reviews: Sequence[Answer]

    @cached_property
    def by_photo(self) -> Mapping[int, Sequence[Answer]]:
        """Return each photo's answers, by person."""
        found = defaultdict(list)
        for each in sorted(self.answers, key=lambda each: each.worker):
            found[each.photo].append(each)
        return found

    @cached_property
    def agreement(self) -> Agreement:
        """Return how far people agree."""
        given = [(each.worker, each.photo, each.label) for each in self.answers]
        return agreement.agree(given, len(self.store.task.labels))

    @cached_property
    def disagreements(self) -> list[int]:
        """Return the photos that people have labelled differently, the least certain first."""
        differing = [photo for photo, own in self.by_photo.items() if len({each.label for each in own}) > 1]
        return sorted(differing, key=lambda photo: (float(self.agreement.probabilities[photo].max()), photo))

    @cached_property
    def consensus(self) -> dict[int, Consensus]:
        """Return the label of each photo that as many people have labelled as it takes, or a reviewer.

        Of one person alone there is a confidence of 0.00, as Ground Truth has it.
        """
        reviewed = {each.photo: each for each in sorted(self.reviews, key=lambda each: each.submitted)}
        found = {
            photo: Consensus(label=each.label, confidence=_REVIEWED, at=_moment([each]))
            for photo, each in reviewed.items()
        }
        for photo, own in self.by_photo.items():
            if photo in found or len(own) < self.store.task.people:
                continue
            if len(own) == 1:
                found[photo] = Consensus(label=own[0].label, confidence=0.0, at=_moment(own))
            else:
                sure = float(self.agreement.probabilities[photo].max())
                found[photo] = Consensus(label=self.agreement.label(photo), confidence=sure, at=_moment(own))
        return found

    def manifest(self) -> bytes:
        """Return the output manifest: every line of the input's, with its label if it has one."""
        lines = enumerate(self.store.lines)
        return manifests.write_lines(
            [manifests.labelled(self.store.task, line, self.consensus.get(number)) for number, line in lines]
        )

    def write(self) -> str:
        """Write the output manifest and the annotations to the bucket, and return the manifest's address.

        The manifest is written last: it never tells of annotations that are not there.
        """
        store, task = self.store, self.store.task
        wanted = {f"{manifests.WORKERS}{photo}/{_timed(own)}": own for photo, own in self.by_photo.items()}
        there = store.names(manifests.WORKERS)
        new = {name: own for name, own in wanted.items() if name not in there}
        store.write_all((name, _json({"answers": [e.document(task.labels) for e in own]})) for name, own in new.items())
        if self.answers:
            name = _timed(self.answers)
            store.write(
                f"{manifests.REQUESTS}{name}", _json(manifests.consolidation_request(task, store.lines, self.by_photo))
            )
            store.write(f"{manifests.RESPONSES}{name}", _json(manifests.consolidation_response(task, self.consensus)))
        store.write(OUTPUT, self.manifest())
        store.delete(there - wanted.keys())
        return task.uri(OUTPUT)

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        labels = self.store.task.labels
        return {
            "job": self.store.task.name,
            "photos": len(self.store.lines),
            "labelled": len(self.consensus),
            "people": {
                worker: {
                    "answers": int(counts.sum()),
                    "agreement": round(self.agreement.share(worker), 4),
                    "confusions": [
                        {"is": labels[true], "taken_for": labels[said], "photos": count}
                        for true, said, count in self.confusions(worker)
                    ],
                }
                for worker, counts in self.agreement.confusion.items()
            },
            "disagreements": [
                {
                    "photo": photo,
                    "key": self.store.lines[photo].key,
                    "answers": {each.worker: labels[each.label] for each in self.by_photo[photo]},
                    "likeliest": labels[self.agreement.label(photo)],
                    "reviewed": any(each.photo == photo for each in self.reviews),
                }
                for photo in self.disagreements
            ],
        }

    def confusions(self, worker: str) -> Iterator[tuple[int, int, int]]:
        """Yield what a person takes for what: the likeliest label, theirs, and how often; the most frequent first."""
        counts = self.agreement.confusion[worker]
        pairs = [(t, s, int(counts[t, s])) for t in range(len(counts)) for s in range(len(counts)) if t != s]
        yield from sorted((each for each in pairs if each[2]), key=lambda each: (-each[2], each))


def read(store: JobStore) -> Results:
    """Read what people have answered until now. Raises LabellingError for an answer that is none."""
    return Results(store, store.answers(), store.answers(reviewer=True))


def _moment(answers: Sequence[Answer]) -> datetime:
    """Return when the last of these answers was given; the output follows from the answers alone."""
    return max(datetime.fromisoformat(each.submitted) for each in answers).astimezone(UTC)


def _timed(answers: Sequence[Answer]) -> str:
    return _moment(answers).strftime(_TIMED)


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
