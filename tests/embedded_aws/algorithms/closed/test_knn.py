"""k-NN, in the image that has FAISS: all jobs, and all that is asked of their models, in one process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import embedded_aws
from cli import paths
from embedded_aws.runtime import images
from tests.embedded_aws.algorithms.closed import containers
from tests.embedded_aws.algorithms.closed.test_quality import split

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = Path(embedded_aws.__file__).parent
# Several jobs, and requests to their models, in one process: FAISS and scikit-learn are imported once.
PROGRAM = """
import contextlib, io, json, sys
from pathlib import Path
from embedded_aws.algorithms import job
from embedded_aws.algorithms.knn import serving, training
from embedded_aws.serving.app import HttpRequest
asked, found = json.loads(Path(sys.argv[1]).read_text()), {}
for ml, (body, accepts) in asked.items():
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        status = job.run(training.train, job.TrainingJob(Path(ml)), report=training.report)
    answers = []
    for accept in accepts if not status else ():
        headers = {"content-type": "text/csv", "accept": accept}
        answer = serving.load(Path(ml, "model")).invoke(HttpRequest("POST", "/invocations", headers, body.encode()))
        answers.append(answer.body.decode())
    found[ml] = [status, log.getvalue(), answers]
print(json.dumps(found))
"""
JOBS: dict[str, dict[str, Any]] = {
    "flat": {},
    "ivf": {"index_type": "faiss.IVFFlat", "faiss_index_ivf_nlists": 8},
    "pq": {"index_type": "faiss.IVFPQ", "faiss_index_pq_m": 12, "faiss_index_ivf_nlists": 4},
    "cosine": {"index_metric": "COSINE"},
    "inner_product": {"index_metric": "INNER_PRODUCT"},
    "sign": {"dimension_reduction_type": "sign", "dimension_reduction_target": 32},
    "fjlt": {"dimension_reduction_type": "fjlt", "dimension_reduction_target": 32},
    "sampled": {"sample_size": 200},
    "regressor": {"predictor_type": "regressor"},
    "too_many": {"sample_size": 3, "k": 5},
    "no_target": {"dimension_reduction_type": "sign"},
    "pq_cosine": {"index_type": "faiss.IVFPQ", "faiss_index_pq_m": 8, "index_metric": "COSINE"},
}


class Job(containers.Trained):
    """A job that has ended, with its model's answers: plain, and verbose."""

    answers: list[Any]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Job]:
    """Run all jobs on the digits, and ask each model for the first three of those to test on."""
    data, root = split("digits"), tmp_path_factory.mktemp("jobs")
    body = containers.csv(data.test[:3]).decode()
    asked = {}
    for name, more in JOBS.items():
        given = {"feature_dim": 64, "k": 5, "predictor_type": "classifier", "sample_size": 10_000, **more}
        ml = containers.prepare(root / name / "knn", given, data.channels())
        asked[str(ml)] = (body, ["application/json", "application/json; verbose=true"])
    (root / "asked.json").write_text(json.dumps(asked))
    image = images.install("knn-1", images_dir=PACKAGE / "images", cache_dir=paths.cache())
    done = subprocess.run(
        [str(image.python), "-c", PROGRAM, str(root / "asked.json")],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {}
    for ml, (status, log, answers) in json.loads(done.stdout.splitlines()[-1]).items():
        ended = Job(*containers.ended(status, log, Path(ml)))
        ended.answers = [json.loads(answer)["predictions"] for answer in answers]
        found[Path(ml).parent.name] = ended
    return found


def test_quality(jobs: Mapping[str, Job]) -> None:
    """The exact index is as good as scikit-learn's classifier and regressor; the others lose a few in a hundred."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    data = split("digits")
    exact = KNeighborsClassifier(5).fit(data.features, data.labels).score(data.test, data.test_labels)
    accuracy = {name: jobs[name].metric("test:accuracy") for name in JOBS if jobs[name].log.count("test accuracy")}
    assert accuracy["flat"] == pytest.approx(exact, abs=0.003)
    less = {"sampled": 0.85, "inner_product": 0.3, "pq": 0.85}  # few records, a distance that is none, five bits a code
    assert not {name for name, each in accuracy.items() if each < less.get(name, exact - 0.06)}
    regressor = KNeighborsRegressor(5).fit(data.features, data.labels).predict(data.test)
    error = np.mean(np.square(regressor - data.test_labels))
    assert jobs["regressor"].metric("test:mse") == pytest.approx(error, rel=0.02)


def test_answers(jobs: Mapping[str, Job]) -> None:
    """A label for each record and, verbose, its neighbours' distances from the nearest on, and their labels."""
    plain, verbose = jobs["flat"].answers
    data = split("digits")
    assert [each["predicted_label"] for each in plain] == [*map(float, data.test_labels[:3])]
    distances = np.sort(np.square(data.features - data.test[0]).sum(axis=1))[:5]
    assert verbose[0]["distances"] == pytest.approx(distances)
    assert (plain[0].keys(), len(verbose[0]["labels"])) == ({"predicted_label"}, 5)


def test_the_models_files(jobs: Mapping[str, Job]) -> None:
    """They are the three of the guide: an index, labels as float32, and metadata."""
    model = jobs["sampled"].model
    assert sorted(each.name for each in model.iterdir()) == ["model_algo-1", "model_algo-1.json", "model_algo-1.labels"]
    assert len(np.frombuffer((model / "model_algo-1.labels").read_bytes(), "<f4")) == 200
    metadata = json.loads((jobs["sign"].model / "model_algo-1.json").read_text())
    assert (metadata["k"], metadata["predictor_type"], metadata["version"]) == (5, "classifier", "1.0")
    reduction = metadata["dimension_reduction"]
    assert (reduction["type"], reduction["input_dim"], reduction["target_dim"]) == ("sign", 64, 32)


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ("too_many", "k is 5, and there are 3 records in the sample."),
        ("no_target", "'dimension_reduction_target' is required when 'dimension_reduction_type' is set."),
        ("pq_cosine", "index_metric COSINE is not supported with index_type faiss.IVFPQ."),
    ],
)
def test_hyperparameters_that_do_not_go_together(jobs: Mapping[str, Job], job: str, sentence: str) -> None:
    """They fail the job by its author's fault."""
    assert (jobs[job].status, sentence in jobs[job].failure) == (2, True), jobs[job].failure
