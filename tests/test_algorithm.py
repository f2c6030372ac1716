"""A lab with an algorithm of AWS's in the place of its network, as its user meets it; and another one after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from cli import paths
from datasets import ensure
from model_code.data import LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "sorted"
SETTINGS = ("-c", f"lab.name={NAME}", "-c", "lab.seats=0", "-c", "lab.epochs=3", "-c", "lab.hidden_units=32")


@pytest.fixture(scope="module", autouse=True)
def enforced(lab: Lab) -> None:
    """Policies are enforced, so that a permission that a job's or the endpoint's role lacks fails a test here."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fifth of the rendered bricks."""
    folder = tmp_path_factory.mktemp("data")
    for file in ensure(cache=paths.cache() / "datasets").glob("*.npy"):
        np.save(folder / file.name, np.load(file)[::5])
    return folder


@pytest.fixture(scope="module")
def photo(data: Path) -> tuple[str, str]:
    """A picture that nothing was trained on, and the name of the brick."""
    images, labels = (np.load(data / f"lego-simple-test-{kind}.npy") for kind in ("images", "labels"))
    Image.fromarray(images[1]).save(data / "photo.png")
    return str(data / "photo.png"), LABELS[labels[1]]


def predicted(lab: Lab, photo: str) -> dict[str, Any]:
    """What `predict` tells a program."""
    [answer] = json.loads(lab("predict", photo, *SETTINGS, "--json"))[photo]
    return dict(answer)


def test_xgboost_learns_from_the_hidden_layer(lab: Lab, data: Path) -> None:
    """The network is trained first, then the rounds of XGBoost are shown; its accuracy is the lab's."""
    algorithm = ("-c", "lab.algorithm=xgboost", "-c", "lab.features=hidden")
    shown = lab("up", *SETTINGS, *algorithm, "-c", f"lab.data={data}")
    assert shown.index("epoch=3/3") < shown.index("validation-merror")
    accuracy = float(lab.outputs()["TestAccuracy"])
    assert accuracy > 0.7
    assert f"{accuracy:.1%} of the test images right" in shown
    assert "xgboost on hidden" in shown


def test_its_endpoint_takes_a_photo_and_names_the_brick(lab: Lab, photo: tuple[str, str]) -> None:
    """As of the network: a label with its probability, and a bar for each class."""
    answer = predicted(lab, photo[0])
    shown = lab("predict", photo[0], *SETTINGS)
    assert answer["label"] == photo[1]
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert f"{answer['label']} {answer['probability']:.1%}" in shown
    assert "█" in shown


def test_what_is_no_photo_is_refused_by_the_first_container(lab: Lab, tmp_path: Path) -> None:
    """In the sentence that the network's endpoint has for it."""
    (tmp_path / "text.png").write_text("brick")
    assert "the model refused it: The body is not" in lab("predict", str(tmp_path / "text.png"), *SETTINGS, code=1)


def test_a_network_s_hyperparameters_are_not_an_algorithm_s(lab: Lab) -> None:
    """Tuning says so before it starts anything."""
    assert "serves an algorithm of AWS's" in lab("tune", *SETTINGS, code=1)


def test_k_means_takes_its_place_and_has_clusters(lab: Lab, data: Path, photo: tuple[str, str]) -> None:
    """On pixels, without labels: an update of the same endpoint, told by a distance, for it knows no bricks."""
    shown = lab("up", *SETTINGS, "-c", "lab.algorithm=kmeans", "-c", f"lab.data={data}")
    assert "mean squared distance of the test images" in shown
    assert "TestAccuracy" not in lab.outputs()
    job = json.loads(lab("status", "--json", *SETTINGS))["training_job"]
    assert job["algorithm"] == "kmeans on pixels"
    assert float(job["test_mean_squared_distance"]) > 0
    assert "test mean squared distance" in lab("status", *SETTINGS)
    answer = predicted(lab, photo[0])
    assert answer["cluster"] in range(10)
    assert f"cluster {answer['cluster']}, {answer['distance']:.2f} from its center" in lab(
        "predict", photo[0], *SETTINGS
    )


def test_down_leaves_nothing_of_them(lab: Lab) -> None:
    """The jobs of the features and of both algorithms are found and deleted."""
    receipt = json.loads(lab("down", "--json", *SETTINGS))
    assert receipt["remains"] == []
