"""A container's absolute paths are moved; what only looks like one stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.sagemaker.relocate import relocate

ML = Path("/jobs/1/ml")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{}/",
        "{}/model/1",
        "cd {}/input/data/code && ls",
        "MODEL='{}/model';",
        'open("{}/output/failure")',
        "PATH=/bin:{}/bin:/usr/bin",
        "--out={}, `{}`\n{}\ttwice",
        "file://{}/model",
        "$({}/run)",
    ],
)
def test_moves_a_path(text: str) -> None:
    """A path at or below the place is moved, wherever quotes, signs and spaces put it."""
    assert relocate(text.replace("{}", "/opt/ml"), {"/opt/ml": ML}) == text.replace("{}", str(ML))


@pytest.mark.parametrize(
    "text",
    [
        "/opt/mlx",
        "/opt/ml-data/1",
        "/opt/ml_2",
        "/opt/ml.old",
        "/opt/ml~",
        "/mnt/opt/ml",
        "../opt/ml",
        "~/opt/ml",
        "${ROOT}/opt/ml",
        "$(pwd)/opt/ml",
        "s3://bucket/opt/ml/model",
        "https://opt/ml",
        "/opt",
    ],
)
def test_leaves_other_paths(text: str) -> None:
    """A longer name, the middle of another path and an address are left alone."""
    assert relocate(text, {"/opt/ml": ML}) == text


def test_the_innermost_place_counts() -> None:
    """A place within another has a folder of its own; nothing is moved twice."""
    places = {"/opt": Path("/a"), "/opt/ml": Path("/opt/b")}
    assert relocate("/opt/ml/model /opt/other", places) == "/opt/b/model /a/other"


def test_without_places_nothing_moves() -> None:
    """No place, no change."""
    assert relocate("/opt/ml", {}) == "/opt/ml"
