"""`down` deletes what commands have copied to this machine of the lab, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Lab


def test_down_clears_logs_and_data(lab: Lab) -> None:
    """TensorBoard's logs of the lab and its jobs, and the lab's four files; another lab's logs and own files stay."""
    boards, data = lab.home / "tensorboard" / "embedded", lab.home / "data"
    for name in ("copied", "copied-job-1", "copiedhouse"):
        (boards / name).mkdir(parents=True)
        (boards / name / "events").touch()
        (boards / f"{name}.log").touch()
    data.mkdir()
    (data / "lego-simple-train-images.npy").touch()
    lab("down", "-c", "lab.name=copied")
    assert {path.name for path in boards.iterdir()} == {"copiedhouse", "copiedhouse.log"}
    assert not data.exists()
    data.mkdir()
    (data / "my-own.npy").touch()
    assert "has files that are not the lab's" in lab("down", "-c", "lab.name=copiedhouse")
    assert not boards.exists()
    assert (data / "my-own.npy").exists()
