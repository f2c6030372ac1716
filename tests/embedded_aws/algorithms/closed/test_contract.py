"""What the closed algorithms have in common: checks with AWS's sentences, formats of requests and answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from embedded_aws.algorithms import records
from tests.embedded_aws.algorithms.closed import containers
from tests.embedded_aws.algorithms.closed.containers import CSV, JSON, JSONLINES, RECORDIO, csv
from tests.embedded_aws.algorithms.wire import dense, sparse

if TYPE_CHECKING:
    from collections.abc import Mapping

POINTS = np.array([[0, 0], [0, 1], [9, 9], [9, 8]], dtype=np.float32)
TWO = {"k": 2, "feature_dim": 2}
LINEAR = {"predictor_type": "binary_classifier", "mini_batch_size": 2}
MACHINES = {"feature_dim": 2, "num_factors": 2, "predictor_type": "binary_classifier"}
COMPONENTS = {"feature_dim": 2, "num_components": 1, "mini_batch_size": 10}


@pytest.mark.parametrize(
    ("algorithm", "hyperparameters", "sentence"),
    [
        ("kmeans", {"k": 2}, "No value(s) were specified for 'feature_dim' which are required hyperparameter(s)"),
        ("kmeans", {**TWO, "epoch": 1}, "Additional hyperparameters are not allowed ('epoch' was unexpected)"),
        ("kmeans", {**TWO, "a": 1, "b": 2}, "Additional hyperparameters are not allowed ('a', 'b' were unexpected)"),
        (
            "kmeans",
            {**TWO, "k": "many"},
            (
                "'k' hyperparameter which expects one of the following: a string which matches the pattern "
                "'^([1-9][0-9]*)$'; or an integer greater than 1"
            ),
        ),
        (
            "kmeans",
            {**TWO, "local_lloyd_tol": 2},
            "The value '2' is not valid for the 'local_lloyd_tol' hyperparameter which expects one of the following: ",
        ),
        (
            "kmeans",
            {**TWO, "init_method": "best"},
            (
                "value 'best' is not valid for the 'init_method' hyperparameter which accepts one of the following: "
                "'random', 'kmeans++'"
            ),
        ),
        ("kmeans", {**TWO, "eval_metrics": '["mad"]'}, "The value '[\"mad\"]' is not valid for the 'eval_metrics'"),
        (
            "linear_learner",
            {"predictor_type": "multiclass_classifier"},
            "'num_classes' should be set to a value greater",
        ),
        ("linear_learner", {**LINEAR, "loss": "huber_loss"}, "The value 'huber_loss' is not valid for the 'loss'"),
        ("linear_learner", {**LINEAR, "mini_batch_size": 1000}, "mini_batch_size is 1000, and the train dataset has 4"),
        ("pca", {**COMPONENTS, "num_components": 3}, "num_components is 3, and the train dataset has 4 records of 2"),
        ("pca", {**COMPONENTS, "subtract_mean": "yes"}, "which accepts one of the following: 'true', 'false'"),
        ("factorization_machines", {**MACHINES, "bias_lr": -1}, "The value '-1' is not valid for the 'bias_lr'"),
    ],
)
def test_hyperparameters_that_can_not_be(
    train: containers.Train, algorithm: str, hyperparameters: Mapping[str, Any], sentence: str
) -> None:
    """The job fails by its author's fault, in the words of AWS's SDK of algorithms; there is no model."""
    trained = train(algorithm, hyperparameters, {"train": dense(POINTS, labels=[0, 0, 1, 1])})
    assert trained.status == 2
    assert trained.failure.startswith("Customer Error: ")
    assert sentence in trained.failure
    assert trained.failure.splitlines()[0] in trained.log
    assert not [*trained.model.iterdir()]


@pytest.mark.parametrize(
    ("algorithm", "channels", "content_type", "sentence"),
    [
        ("kmeans", {}, None, "Caused by: 'train' is a required property"),
        ("kmeans", {"train": b"", "eval": b""}, None, "Additional properties are not allowed ('eval' was unexpected)"),
        (
            "kmeans",
            {"train": b"a,b\n0,1\n"},
            "text/csv;label_size=0",
            (
                "Unable to read data channel 'train'. Requested content-type is 'text/csv'. "
                "Please verify the data matches the requested content-type."
            ),
        ),
        ("kmeans", {"train": b"1,2\n3\n"}, "text/csv;label_size=0", "Unable to read data channel 'train'."),
        ("kmeans", {"train": csv(POINTS)}, None, "Requested content-type is 'application/x-recordio-protobuf'."),
        ("kmeans", {"train": b""}, None, "there is no record in it"),
        (
            "kmeans",
            {"train": csv(POINTS)},
            CSV,
            (
                "The value of feature_dim hyperparameter '2' doesn't match train data dimensionality '1'. Please set "
                "feature_dim to the number of features in train dataset."
            ),
        ),
        (
            "kmeans",
            {"train": dense(POINTS), "test": dense([[1.0]])},
            None,
            "doesn't match test data dimensionality '1'",
        ),
        ("kmeans", {"train": dense([[1, float("nan")]])}, None, "Found missing (NaN) values. Please remove any"),
        ("kmeans", {"train": dense([[1, float("inf")]])}, None, "Found infinite floating point values."),
        ("kmeans", {"train": dense(POINTS[:1])}, None, "The train dataset has 1 records, fewer than k=2 clusters."),
        ("linear_learner", {"train": dense(POINTS)}, None, "Labeled train data required with label size equal 1."),
        ("linear_learner", {"train": dense(POINTS, [0, 1, 2, 1])}, None, "the label 2, which is out of range"),
        ("factorization_machines", {"train": csv(POINTS)}, CSV, "'text/csv' is not one of"),
        ("factorization_machines", {"train": dense(POINTS, [0, 1, 5, 1])}, None, "has the label 5."),
    ],
)
def test_data_that_can_not_be(
    algorithm: str,
    channels: Mapping[str, bytes],
    content_type: str | None,
    sentence: str,
    train: containers.Train,
) -> None:
    """A channel that is missing, unknown, empty, in another format, ragged, of another dimension or with odd labels."""
    hyperparameters = {"kmeans": TWO, "linear_learner": LINEAR, "factorization_machines": MACHINES}[algorithm]
    trained = train(algorithm, hyperparameters, channels, content_type=content_type)
    assert (trained.status, sentence in trained.failure) == (2, True), trained.failure


def test_several_instances_are_refused(train: containers.Train) -> None:
    """The sentence says what to do."""
    trained = train("kmeans", TWO, {"train": dense(POINTS)}, hosts=2)
    assert trained.failure == (
        "Customer Error: This open implementation of k-means trains on one instance, and the job has 2. "
        "Set InstanceCount to 1."
    )


@pytest.fixture
def trained(train: containers.Train) -> containers.Trained:
    """Return a k-means of two corners, (0, 0.5) and (9, 8.5)."""
    return train("kmeans", TWO, {"train": dense(POINTS)})


def test_the_first_line_says_what_it_is(trained: containers.Trained) -> None:
    """It is an open implementation, by which libraries; the tuner's own hyperparameter is none of the algorithm's."""
    assert trained.status == 0, trained.failure
    assert "AWS's k-means is closed. This is an open implementation" in trained.log.splitlines()[0]
    assert "NumPy and scikit-learn" in trained.log.splitlines()[0]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (CSV, "9,9\n0,0\n"),
        ("text/csv; label_size=1", "4,9,9\n4,0,0\n"),
        (JSON, json.dumps({"instances": [{"features": [9, 9]}, {"data": {"features": {"values": [0, 0]}}}]})),
        (None, json.dumps({"instances": [{"features": [9, 9]}, {"features": [0, 0]}]})),
        (
            JSON,
            json.dumps(
                {
                    "instances": [
                        {"data": {"features": {"keys": [0, 1], "shape": [2], "values": [9, 9]}}},
                        {"features": [0, 0]},
                    ]
                }
            ),
        ),
        (JSONLINES, '{"features": [9, 9]}\n{"data": {"features": {"values": [0, 0]}}}\n'),
        (RECORDIO, dense([[9, 9], [0, 0]])),
        (RECORDIO, sparse([{0: 9, 1: 9}, {}], 2, labels=[0, 0])),
    ],
)
def test_requests_in_all_formats(trained: containers.Trained, content_type: str | None, body: bytes | str) -> None:
    """Both records are half a unit from their center, whatever they are sent in."""
    answer = containers.ask(trained, body, content_type)
    assert (answer.status, answer.content_type) == (200, JSON)
    one, other = json.loads(answer.body)["predictions"]
    assert one["closest_cluster"] != other["closest_cluster"]
    assert [one["distance_to_cluster"], other["distance_to_cluster"]] == [0.5, 0.5]


def test_answers_in_all_formats(trained: containers.Trained) -> None:
    """JSON Lines, CSV with the cluster first, and records whose labels are the answer."""
    lines = containers.ask(trained, "9,9\n9,9\n", CSV, JSONLINES).body.splitlines()
    assert [json.loads(line)["distance_to_cluster"] for line in lines] == [0.5, 0.5]
    assert containers.ask(trained, "9,9\n", CSV, CSV).body.decode().split(",")[1] == "0.5\n"
    answer = containers.ask(trained, "9,9\n", CSV, f"{RECORDIO}, */*")
    cluster = json.loads(containers.ask(trained, "9,9\n", CSV).body)["predictions"][0]["closest_cluster"]
    expected = records.write([{"closest_cluster": [cluster], "distance_to_cluster": [0.5]}])
    assert (answer.content_type, answer.body) == (RECORDIO, expected)


@pytest.mark.parametrize(
    ("content_type", "accept", "body", "refusal"),
    [
        ("image/png", "", b"\x89PNG", (415, b"content-type image/png not supported")),
        (CSV, "image/png", b"1,2\n", (406, b"accept type image/png not supported")),
        (CSV, "", b"", (204, b"")),
        (CSV, "", b"1,2,3\n", (400, b"unable to evaluate payload provided")),
        (CSV, "", b"one,two\n", (400, b"unable to evaluate payload provided")),
        (JSON, "", b'{"rows": []}', (400, b"unable to evaluate payload provided")),
        (JSON, "", b'{"instances": [{"features": [1, "two"]}]}', (400, b"unable to evaluate payload provided")),
        (JSON, "", b"{", (400, b"unable to evaluate payload provided")),
        (RECORDIO, "", b"1,2\n", (400, b"unable to evaluate payload provided")),
    ],
)
def test_requests_that_can_not_be_answered(
    trained: containers.Trained, content_type: str, accept: str, body: bytes, refusal: tuple[int, bytes]
) -> None:
    """They are refused as AWS's SDK of algorithms does."""
    answer = containers.ask(trained, body, content_type, accept)
    assert (answer.status, answer.body) == refusal
