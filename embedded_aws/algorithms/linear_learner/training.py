"""A training job of the linear learner: `model_algo-1` is a ZIP with an MXNet module, `mx-mod`, and what it needs.

Source of the file: what users unpack of it (additional-params.json, manifest.json, mx-mod-symbol.json,
mx-mod-0000.params) and load with `mx.module.Module.load("mx-mod", 0, label_names=["out_label"])`: `fc0_weight`
(classes, d), `fc0_bias` (classes,). Weights are for features as they are given.
Not compared with AWS: the symbol, and what is in the other two documents; the sentence about labels, and the one about
batches, which the SageMaker SDK only tells of: "mini_batch_size can't be greater than number of records or training job
fails".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embedded_aws.algorithms import modules
from embedded_aws.algorithms.linear_learner import evaluation, hyperparameters, learning, losses
from embedded_aws.algorithms.linear_learner.hyperparameters import BINARY, REGRESSOR
from embedded_aws.algorithms.sdk import training
from embedded_aws.algorithms.sdk.channels import TEST, TRAIN, VALIDATION, Expected
from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.training import Task, report

if TYPE_CHECKING:
    from embedded_aws.algorithms.job import TrainingJob
    from embedded_aws.algorithms.linear_learner.learning import Learnt
    from embedded_aws.algorithms.sdk.channels import Channel

__all__ = ["report", "train"]
MODEL, PARAMS, ADDITIONAL = "model_algo-1", "mx-mod-0000.params", "additional-params.json"
_EXPECTED = Expected(channels=(VALIDATION, TEST), labeled=True)


def train(job: TrainingJob) -> None:
    """Learn, measure, and write the model. Raises CustomerError."""
    task = training.prepare(
        job,
        algorithm="linear learner",
        library="NumPy, SciPy and scikit-learn",
        rules=hyperparameters.RULES,
        expected=_EXPECTED,
    )
    learnt = fit(task)
    classes = len(learnt.bias)
    additional = {
        "predictor_type": task.hyperparameters["predictor_type"],
        "loss": learnt.loss,
        "threshold": learnt.threshold,
    }
    documents = {
        "mx-mod-symbol.json": _symbol(classes, learnt.loss),
        ADDITIONAL: additional,
        "manifest.json": {"files": ["mx-mod-symbol.json", PARAMS, ADDITIONAL]},
    }
    arrays = {"fc0_weight": learnt.weights.T, "fc0_bias": learnt.bias}
    modules.write(job.model / MODEL, documents, params=PARAMS, arrays=arrays)


def fit(task: Task) -> Learnt:
    """Return the best model, whose metrics are in the log. Raises CustomerError."""
    given = task.hyperparameters
    hyperparameters.check(given)
    for channel in task.channels.values():
        _check_labels(channel, given)
    if given["mini_batch_size"] > len(task.train):
        raise CustomerError(
            f"mini_batch_size is {given['mini_batch_size']}, and the train dataset has {len(task.train)} records. "
            "Please set mini_batch_size to no more than the number of records."
        )
    learnt = learning.learn(task)
    for name in (VALIDATION if VALIDATION in task.channels else TRAIN, TEST):
        if name in task.channels:
            _score(task, learnt, task.channels[name])
        else:
            task.log.line("Test data is not provided.")
    task.log.line(f"Best model found for hyperparameters: {dict(learnt.settings)}")
    return learnt


def _score(task: Task, learnt: Learnt, data: Channel) -> None:
    """Write the model's metrics on a channel's data."""
    given = task.hyperparameters
    outputs = learnt.outputs(data.features)
    loss = losses.of(learnt.loss, given)
    objective = (loss.objective, float(loss.value(outputs[:, None], data.labels).mean()), "loss")
    measured = [objective, *evaluation.measure(given, outputs, data.labels, learnt.threshold)]
    for name, value, _ in measured:
        task.log.score(name, value, of=data.name)
    for name, value, kind in measured:
        task.log.quality(name, value, of=data.name, kind=kind)


def _check_labels(channel: Channel, given: Any) -> None:
    predictor, labels = given["predictor_type"], channel.labels
    if not np.isfinite(labels).all():
        raise CustomerError(
            f"Unable to read data channel '{channel.name}'. Found missing (NaN) values. "
            "Please remove any missing (NaN) values in the input data."
        )
    if predictor == REGRESSOR:
        return
    classes = 2 if predictor == BINARY else given["num_classes"]
    wrong = labels[(labels < 0) | (labels >= classes) | (labels != np.floor(labels))]
    if len(wrong):
        wanted = "0 or 1" if predictor == BINARY else f"integers from 0 to num_classes - 1, which is {classes - 1}"
        raise CustomerError(
            f"The {channel.name} dataset has the label {wrong[0]:g}, which is out of range for the predictor_type "
            f"'{predictor}'. Please provide labels that are {wanted}."
        )


def _symbol(classes: int, loss: str) -> dict[str, Any]:
    """Return the model as MXNet's operators compute it."""
    output = {"logistic": "LogisticRegressionOutput", "softmax_loss": "SoftmaxOutput"}
    return modules.symbol(
        [
            ("null", "data", {}, ()),
            ("null", "fc0_weight", {}, ()),
            ("null", "fc0_bias", {}, ()),
            ("FullyConnected", "fc0", {"num_hidden": str(classes)}, ("data", "fc0_weight", "fc0_bias")),
            ("null", "out_label", {}, ()),
            (output.get(loss, "LinearRegressionOutput"), "out", {}, ("fc0", "out_label")),
        ]
    )
