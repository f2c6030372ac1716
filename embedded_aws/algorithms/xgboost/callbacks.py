"""What is done after each round of boosting: checkpoints, the model so far, early stopping.

Source: checkpointing.py and callback.py of aws/sagemaker-xgboost-container. Checkpoints are as its own
SaveCheckpointCallBack has them, `xgboost-checkpoint.<round>`, the last five: its algorithm mode of 3.0-5 saves by a
callback of the library whose files it does not find again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xgboost as xgb

from embedded_aws.algorithms.xgboost.metrics import MAXIMIZED

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

log = logging.getLogger(__name__)

MODEL_NAME = "xgboost-model"
_CHECKPOINT = "xgboost-checkpoint"
_NUMBERED = re.compile(rf"{_CHECKPOINT}\.(\d+)")
_KEPT = 5


@dataclass(frozen=True)
class Stopping:
    """When to stop early: after so many `rounds` without a better value of a metric of the validation data."""

    rounds: int
    metric: str


class Checkpoints:
    """A folder of checkpoints; of a fold of cross-validation, one in it."""

    def __init__(self, folder: Path | None, fold: int | None = None) -> None:
        self._folder = folder / f"model-{fold}" if folder and fold is not None else folder

    def latest(self) -> tuple[str | None, int]:
        """Return the last model and how many rounds it has had; None and 0 without any."""
        found = self._found()
        if not found:
            return None, 0
        last = max(found)
        log.info("Checkpoint loaded from %s", found[last])
        log.info("Resuming from iteration %s", last + 1)
        return str(found[last]), last + 1

    def save(self, model: xgb.Booster) -> None:
        """Save the model after a round, and forget all but the last ones."""
        if not self._folder:
            return
        number = model.num_boosted_rounds() - 1
        self._folder.mkdir(parents=True, exist_ok=True)
        _save(model, self._folder / f"{_CHECKPOINT}.{number}")
        for other, file in self._found().items():
            if other <= number - _KEPT:
                file.unlink(missing_ok=True)

    def _found(self) -> dict[int, Path]:
        entries = self._folder.iterdir() if self._folder and self._folder.exists() else ()
        return {int(match[1]): file for file in entries if (match := _NUMBERED.fullmatch(file.name))}


class SaveCheckpoint(xgb.callback.TrainingCallback):  # type: ignore[misc]  # it has no types where this is checked
    """Saves a checkpoint after each round."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        super().__init__()
        self._checkpoints = checkpoints

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: Any) -> bool:
        """Save it, and go on."""
        del epoch, evals_log
        self._checkpoints.save(model)
        return False


class SaveModel(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """Saves the model itself after each round, so that a job which is stopped has one."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: Any) -> bool:
        """Save it, and go on."""
        del epoch, evals_log
        _save(model, self._file)
        return False


def of_run(
    checkpoints: Checkpoints, *, stopping: Stopping | None, model_so_far: Path | None, master: bool
) -> list[Any]:
    """Return the callbacks of a run; only the `master` of several hosts saves.

    `model_so_far` is where the model is saved after each round, None if only at the end.
    """
    made: list[Any] = [xgb.callback.EvaluationMonitor()]
    if master:
        made.append(SaveCheckpoint(checkpoints))
    if master and model_so_far:
        made.append(SaveModel(model_so_far))
        _end_by_signal(model_so_far.parent)
    if stopping:
        made.append(
            xgb.callback.EarlyStopping(
                rounds=stopping.rounds,
                data_name="validation",
                metric_name=stopping.metric,
                maximize=stopping.metric in MAXIMIZED,
                save_best=master,
            )
        )
    return made


def _save(model: xgb.Booster, file: Path) -> None:
    # Whoever reads it meanwhile, SageMaker's copy to S3 for one, finds a whole one.
    unfinished = file.with_name(f".{file.name}.sagemaker-ignore")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that without an ending the format is UBJSON, at each round
        model.save_model(unfinished)
    unfinished.replace(file)


def _end_by_signal(folder: Path) -> None:
    """Let SIGTERM end the job well, with the model as it was saved last and nothing else in its folder."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for file in folder.iterdir():
            if file.is_file() and not file.name.startswith(MODEL_NAME):
                with contextlib.suppress(OSError):
                    file.unlink()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
