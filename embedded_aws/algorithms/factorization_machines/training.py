"""A training job of factorization machines: `model_algo-1` is a ZIP of `symbol.json`, `params` and `meta.json`.

Source of the file: what users load of it, with `mx.module.Module.load` and label_names=['out_label']: `v` (d, k),
`w1_weight` (d, 1), `w0_weight` (1, 1), and training_parameters in `meta.json`.
Not compared with AWS: the symbol; the sentence about labels; which records make the last batch of an epoch.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special
from sklearn.metrics import f1_score, log_loss

from embedded_aws.algorithms import content_types, modules
from embedded_aws.algorithms.factorization_machines import machine
from embedded_aws.algorithms.factorization_machines.hyperparameters import RULES
from embedded_aws.algorithms.factorization_machines.machine import Learner, Machine
from embedded_aws.algorithms.sdk import training
from embedded_aws.algorithms.sdk.channels import TEST, Expected
from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.training import Task, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.algorithms.job import TrainingJob
    from embedded_aws.algorithms.sdk.channels import Channel

    Array = np.ndarray[Any, Any]

__all__ = ["report", "train"]
MODEL, PARAMS, META = "model_algo-1", "params", "meta.json"
_EXPECTED = Expected(content_types=(content_types.RECORDIO_PROTOBUF,), labeled=True)
THRESHOLD = 0.5
_OUTPUTS = {"binary_classifier": "LogisticRegressionOutput", "regressor": "LinearRegressionOutput"}


def train(job: TrainingJob) -> None:
    """Learn, score the test channel, and write the model. Raises CustomerError."""
    task = training.prepare(
        job, algorithm="factorization machines", library="NumPy and SciPy", rules=RULES, expected=_EXPECTED
    )
    learnt = fit(task)
    _score(task, learnt)
    arrays = {"w0_weight": learnt.bias, "w1_weight": learnt.weights, "v": learnt.factors}
    parameters = {name: str(value) for name, value in task.hyperparameters.items()}
    documents = {"symbol.json": _symbol(task), META: {"training_parameters": parameters}}
    modules.write(job.model / MODEL, documents, params=PARAMS, arrays=arrays)


def fit(task: Task) -> Machine:
    """Return a machine that has learnt the training data. Raises CustomerError."""
    given, data = task.hyperparameters, task.train
    for channel in task.channels.values():
        _check_labels(channel, given["predictor_type"])
    random = np.random.default_rng(training.SEED)
    learner = Learner(machine.initial(given, random), given)
    size = given["mini_batch_size"]
    started = time.monotonic()
    for epoch in range(given["epochs"]):
        order = random.permutation(len(data))
        predicted = np.empty(len(data))
        for start in range(0, len(data), size):
            rows = order[start : start + size]
            predicted[rows] = learner.learn(data.features[rows], data.labels[rows])
        for name, value, kind in _measured(given["predictor_type"], data.labels, predicted):
            task.log.quality(name, value, of="train", kind=kind, epoch=epoch)
        task.log.progress(epoch, given["epochs"])
    task.log.throughput(len(data) * given["epochs"], time.monotonic() - started)
    return learner.machine


def _score(task: Task, learnt: Machine) -> None:
    if TEST not in task.channels:
        task.log.line("Test data is not provided.")
        return
    test, kind_of = task.channels[TEST], task.hyperparameters["predictor_type"]
    output = learnt.output(test.features)
    scores = [*_measured(kind_of, test.labels, special.expit(output) if kind_of == "binary_classifier" else output)]
    for name, value, _ in scores:
        task.log.score(name, value, of=TEST)
    for name, value, kind in scores:
        task.log.quality(name, value, of=TEST, kind=kind)


def _measured(predictor_type: str, labels: Array, predicted: Array) -> Iterator[tuple[str, float, str]]:
    """Yield names, values and kinds of the metrics."""
    if predictor_type == "regressor":
        yield "rmse", float(np.sqrt(np.mean(np.square(predicted - labels)))), "loss"
        return
    classes = predicted >= THRESHOLD
    yield "binary_classification_accuracy", float(np.mean(classes == labels)), "score"
    yield "binary_classification_cross_entropy", float(log_loss(labels, predicted, labels=[0, 1])), "loss"
    yield "binary_f_1.000", float(f1_score(labels, classes, zero_division=0)), "score"


def _check_labels(channel: Channel, predictor_type: str) -> None:
    if predictor_type == "binary_classifier" and not np.isin(channel.labels, (0, 1)).all():
        odd = channel.labels[~np.isin(channel.labels, (0, 1))][0]
        raise CustomerError(
            f"The {channel.name} dataset has the label {odd:g}. Please provide labels that are 0 or 1 for the "
            "predictor_type 'binary_classifier'."
        )


def _symbol(task: Task) -> dict[str, Any]:
    """Return the machine as MXNet's operators compute it."""
    given = task.hyperparameters
    return modules.symbol(
        [
            ("null", "data", {}, ()),
            ("null", "w0_weight", {"__shape__": "(1, 1)"}, ()),
            ("null", "w1_weight", {"__shape__": f"({given['feature_dim']}, 1)"}, ()),
            ("null", "v", {"__shape__": f"({given['feature_dim']}, {given['num_factors']})"}, ()),
            ("dot", "w1", {}, ("data", "w1_weight")),
            ("broadcast_add", "linear", {}, ("w1", "w0_weight")),
            ("dot", "mixed", {}, ("data", "v")),
            ("square", "mixed_squared", {}, ("mixed",)),
            ("square", "data_squared", {}, ("data",)),
            ("square", "v_squared", {}, ("v",)),
            ("dot", "squares", {}, ("data_squared", "v_squared")),
            ("elemwise_sub", "differences", {}, ("mixed_squared", "squares")),
            ("sum", "pairs", {"axis": "1", "keepdims": "True"}, ("differences",)),
            ("_mul_scalar", "half_pairs", {"scalar": "0.5"}, ("pairs",)),
            ("elemwise_add", "score", {}, ("linear", "half_pairs")),
            ("null", "out_label", {}, ()),
            (_OUTPUTS[given["predictor_type"]], "out", {}, ("score", "out_label")),
        ]
    )
