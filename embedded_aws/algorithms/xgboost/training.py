"""Train XGBoost in algorithm mode: channels into matrices, hyperparameters into a model.

Source: algorithm_mode/train.py and train_utils.py of aws/sagemaker-xgboost-container, 3.0-5, whose lines the log has
too. Its GPU training by Dask is refused: there is no GPU here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xgboost as xgb

from embedded_aws.algorithms import channels
from embedded_aws.algorithms.channels import Channel
from embedded_aws.algorithms.errors import AlgorithmError, ToolkitError, UserError
from embedded_aws.algorithms.xgboost import callbacks, data
from embedded_aws.algorithms.xgboost.callbacks import MODEL_NAME, Checkpoints, Stopping
from embedded_aws.algorithms.xgboost.hyperparameters import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.algorithms.job import TrainingJob

log = logging.getLogger(__name__)

_CHANNELS = (
    Channel(name="train", required=True, content_types=data.CONTENT_TYPES),
    Channel(name="validation", content_types=data.CONTENT_TYPES),
    Channel(name="code", content_types=frozenset({"text/python"}), distributions=frozenset({"FullyReplicated"})),
)
_COLLECTIVE = 3  # the version since which the library has the tracker that several hosts need here
# What of the library's errors is the customer's: CUSTOMER_ERRORS of constants/xgb_constants.py.
_CUSTOMER_ERRORS = (
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "Check failed: preds.size() == info.labels_.size()",
    "Check failed: !auc_error AUC: the dataset only contains pos or neg samples",
    "Check failed: base_score > 0.0f && base_score < 1.0f base_score must be in (0,1) for logistic loss",
    "Check failed: label_correct PoissonRegression: label must be nonnegative",
    "Check failed: label_correct TweedieRegression: label must be nonnegative",
    "Parameter reg_lambda should be greater equal to 0",
)


def train(job: TrainingJob) -> None:
    """Train on this host and save the model. Raises ToolkitError."""
    log.info("Running XGBoost Sagemaker in algorithm mode")
    config = SCHEMA.validate(job.hyperparameters)
    if config.pop("use_dask_gpu_training", "false") == "true":
        raise UserError(
            "use_dask_gpu_training needs a GPU, and the embedded AWS has none: leave it out, or train with it on AWS."
        )
    if config.get("updater"):
        config["updater"] = ",".join(config["updater"])
    validated = channels.validate(_CHANNELS, job.channels, default=data.DEFAULT_CONTENT_TYPE)
    matrices = Matrices.of(job, data.format_of(validated["train"]["ContentType"]), config)
    if len(job.hosts) > 1:
        if int(xgb.__version__.split(".")[0]) < _COLLECTIVE:
            raise UserError(
                f"XGBoost {xgb.__version__} trains on one instance here: set InstanceCount to 1, or take "
                "sagemaker-xgboost:3.0-5 or later, which trains on several."
            )
        from embedded_aws.algorithms.xgboost import distributed  # noqa: PLC0415 - the older library has not got it

        distributed.run(
            lambda master: _Run(job, config, matrices, master=master).train(),
            host=job.host,
            hosts=job.hosts,
            has_data=matrices.complete,
        )
        return
    if matrices.train is None:
        raise UserError(f"No data in training channel path {job.channel('train')}")
    if not matrices.complete:
        raise UserError(f"No data in validation channel path {job.channel('validation')}")
    log.info("Single node training.")
    _Run(job, config, matrices, master=True).train()


@dataclass(frozen=True)
class Matrices:
    """The data of a job on one host. `both` has the rows of both channels, for cross-validation."""

    train: xgb.DMatrix | None
    validation: xgb.DMatrix | None
    both: xgb.DMatrix | None
    complete: bool  # there is data in each channel that the job has

    @classmethod
    def of(cls, job: TrainingJob, kind: str, config: dict[str, Any]) -> Matrices:
        """Read the channels. Raises UserError."""
        weights = bool(config.pop("csv_weights", 0))
        train, validation = job.channel("train"), job.channel("validation")
        folders = [folder for folder in (train, validation) if folder and data.size(folder)]
        if train in folders and validation in folders and train and validation:
            data.warn_of_redundancy(train, validation)
        for folder in folders:
            data.check(folder, kind)
        read = {folder: data.read([folder], kind, csv_weights=weights) for folder in folders}
        of_both = "_kfold" in config and len(folders) > 1
        return cls(
            read.get(train) if train else None,
            read.get(validation) if validation else None,
            data.read(folders, kind, csv_weights=weights) if of_both else read.get(train) if train else None,
            complete=all(folder is None or folder in folders for folder in (train, validation)),
        )

    def watched(self) -> list[tuple[xgb.DMatrix, str]]:
        """Return what metrics are computed of, by the names that the log has."""
        named = ((self.train, "train"), (self.validation, "validation"))
        return [(matrix, name) for matrix, name in named if matrix is not None]


class _Run:
    """One training on one host, with all that the hyperparameters ask for."""

    def __init__(self, job: TrainingJob, config: dict[str, Any], matrices: Matrices, *, master: bool) -> None:
        self._job, self._matrices, self._master = job, matrices, master
        self._config = {name: value for name, value in config.items() if name not in {"_kfold", "_num_cv_round"}}
        self._folds, self._repeats = config.get("_kfold"), config.get("_num_cv_round", 1)
        self._rounds: int = self._config.pop("num_round")
        self._saves_each_round = self._config.pop("save_model_on_termination", "false") == "true"
        self._stopping, self._evaluate = self._prepare_metrics()

    def train(self) -> None:
        """Train and save. Raises UserError for what is the customer's error, else AlgorithmError."""
        train, validation = self._matrices.train, self._matrices.validation
        assert train is not None  # noqa: S101 - a host without data takes no part
        log.info("Train matrix has %d rows and %d columns", train.num_row(), train.num_col())
        if validation is not None:
            log.info("Validation matrix has %d rows", validation.num_row())
        try:
            models = self._cross_validate() if self._folds else {MODEL_NAME: self._fit(train)}
        except ToolkitError:
            raise
        except Exception as error:
            text = str(error)
            if any(known in text for known in _CUSTOMER_ERRORS):
                raise UserError(text) from error
            raise AlgorithmError(f"XGB train call failed with exception:\n {text}") from error
        if self._master:
            self._job.model.mkdir(exist_ok=True)
            for name, model in models.items():
                model.save_model(self._job.model / name)

    def _cross_validate(self) -> dict[str, xgb.Booster]:
        from embedded_aws.algorithms.xgboost import cross_validation  # noqa: PLC0415 - a second of imports

        models = cross_validation.run(
            self._matrices.both,
            {**self._config, "num_round": self._rounds},
            self._fit,
            folds=self._folds or 0,
            repeats=self._repeats,
            output=self._job.output_data,
        )
        return {f"{MODEL_NAME}-{number}": model for number, model in enumerate(models)}

    def _fit(
        self, rows: xgb.DMatrix, fold: int | None = None, evaluations: dict[str, Any] | None = None
    ) -> xgb.Booster:
        checkpoints = Checkpoints(self._job.checkpoints, fold)
        model, begun = checkpoints.latest()
        name = MODEL_NAME if fold is None else f"{MODEL_NAME}-{fold}"
        return xgb.train(
            self._config,
            rows,
            num_boost_round=self._rounds - begun,
            evals=self._matrices.watched(),
            custom_metric=self._evaluate,
            evals_result=evaluations,
            callbacks=callbacks.of_run(
                checkpoints,
                stopping=self._stopping,
                model_so_far=self._job.model / name if self._saves_each_round else None,
                master=self._master,
            ),
            xgb_model=model,
            verbose_eval=False,
        )

    def _prepare_metrics(self) -> tuple[Stopping | None, Callable[..., Any] | None]:
        """Sort the metrics into the library's, which stay, and the container's; return these, and when to stop early.

        Both hyperparameters that name metrics count: eval_metric, and the objective of a tuning job.
        """
        tuned: str | None = self._config.pop("_tuning_objective_metric", None)
        objective = tuned.split(":")[1].split(",") if tuned else None
        if objective:
            log.info("Setting up HPO optimized metric to be : %s", ",".join(objective))
        given: list[str] | None = self._config.pop("eval_metric", None)
        names = sorted({*objective, *given}) if objective and given else objective or given or []
        last = objective or given
        rounds = self._config.pop("early_stopping_rounds", None)
        validates = self._matrices.validation is not None
        stopping = Stopping(rounds, last[-1]) if rounds and last and validates else None
        evaluate = None
        if names:
            from embedded_aws.algorithms.xgboost import custom_metrics  # noqa: PLC0415 - a second of imports

            own = [name for name in names if name in custom_metrics.NAMES]
            if own:
                evaluate = custom_metrics.evaluation(own, self._config.get("objective", ""))
            if library := [name for name in names if name not in own]:
                self._config["eval_metric"] = library
        return stopping, evaluate
