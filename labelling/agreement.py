"""How far people agree: the label that is likeliest for each photo, and what each person takes for what.

Dawid and Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm" (1979): each person has
a matrix of how often they take which label for which; from everybody's answers the matrices and the labels' shares
follow, and from these how likely each label is for each photo. Ground Truth, too, "uses a variant of the Expectation
Maximization approach" (botocore's model, AnnotationConsolidationConfig). The counts begin with a little of everything
right and less of all else, so that with few answers nobody's matrix has zeros in it, and a person with three answers
is taken for neither perfect nor hopeless.

crowd-kit has the model too; it would bring transformers, tokenizers, NLTK and eight packages more into the lab for it,
and its counts begin with nothing: zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_ROUNDS = 200
_CLOSE = 1e-6  # of the greatest change of a probability, after which nothing more comes
_RIGHT, _WRONG = 2.0, 0.1  # what a person's counts begin with


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What follows from everybody's answers.

    `probabilities` has (labels,) of each photo that somebody has labelled; `confusion` is (labels, labels) of each
    person: how many photos, by the likeliest label, they have given which label.
    """

    probabilities: Mapping[int, Floats]
    confusion: Mapping[str, npt.NDArray[np.int64]]

    def label(self, photo: int) -> int:
        """Return the likeliest label of a photo."""
        return int(self.probabilities[photo].argmax())

    def share(self, worker: str) -> float:
        """Return the share of a person's answers that are the likeliest labels."""
        counts = self.confusion[worker]
        return float(counts.trace() / counts.sum())


def agree(answers: Sequence[tuple[str, int, int]], labels: int) -> Agreement:
    """Estimate the labels from answers, each a person, a photo and a label's number; the same answers give the same."""
    workers = sorted({worker for worker, _, _ in answers})
    photos = sorted({photo for _, photo, _ in answers})
    who = np.array([workers.index(worker) for worker, _, _ in answers], dtype=np.int64)
    place = {photo: number for number, photo in enumerate(photos)}
    what = np.array([place[photo] for _, photo, _ in answers], dtype=np.int64)
    said = np.array([label for _, _, label in answers], dtype=np.int64)
    beliefs = _expectation_maximization(who, what, said, (len(workers), len(photos), labels))
    likeliest = beliefs.argmax(axis=1) if photos else np.zeros(0, dtype=np.int64)
    confusion = np.zeros((len(workers), labels, labels), dtype=np.int64)
    np.add.at(confusion, (who, likeliest[what], said), 1)
    return Agreement(
        probabilities={photo: beliefs[number] for photo, number in place.items()},
        confusion=dict(zip(workers, confusion, strict=True)),
    )


def _expectation_maximization(
    who: npt.NDArray[np.int64], what: npt.NDArray[np.int64], said: npt.NDArray[np.int64], shape: tuple[int, int, int]
) -> Floats:
    """Return how likely each label is for each photo, (photos, labels), beginning with the share of the votes."""
    workers, photos, labels = shape
    beliefs = np.zeros((photos, labels))
    np.add.at(beliefs, (what, said), 1.0)
    beliefs /= np.maximum(beliefs.sum(axis=1, keepdims=True), 1.0)
    begin = np.full((labels, labels), _WRONG) + np.eye(labels) * (_RIGHT - _WRONG)
    for _ in range(_ROUNDS):
        shares = (beliefs.sum(axis=0) + 1.0) / (photos + labels)
        counts = np.broadcast_to(begin, (workers, labels, labels)).copy()  # by worker, said label, true label
        np.add.at(counts, (who, said), beliefs[what])
        errors = np.log(counts / counts.sum(axis=1, keepdims=True))
        likelihood = np.tile(np.log(shares), (photos, 1))
        np.add.at(likelihood, what, errors[who, said])
        likelihood -= likelihood.max(axis=1, keepdims=True)
        after = np.exp(likelihood)
        after /= after.sum(axis=1, keepdims=True)
        change = float(np.abs(after - beliefs).max(initial=0.0))
        beliefs = after
        if change < _CLOSE:
            break
    return beliefs
