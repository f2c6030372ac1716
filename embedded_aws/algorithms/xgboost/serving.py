"""Serve a model of XGBoost in algorithm mode: how it is loaded, asked, and what is answered.

Source: algorithm_mode/serve.py and serve_utils.py of aws/sagemaker-xgboost-container, 3.0-5, and _encoders.py of
sagemaker-containers. The library's predictor of some boosters can't be used by two threads at once: they take turns.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import pickle
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost as xgb
from scipy import stats

from embedded_aws.algorithms import content_types
from embedded_aws.algorithms.server import text
from embedded_aws.algorithms.xgboost import data, requests, selectable
from embedded_aws.serving.app import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embedded_aws.serving.app import HttpRequest

log = logging.getLogger(__name__)

_ACCEPTED = [content_types.JSON, content_types.JSON_LINES, content_types.RECORDIO_PROTOBUF, content_types.CSV]
_BY_VOTE = ("multi:softmax", "binary:hinge")
# Flask's page for an error that nobody handles: an answer in a format that only chosen answers have.
_FAILED = (
    "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"
    "<p>The server encountered an internal error and was unable to complete your request. Either the server is "
    "overloaded or there is an error in the application.</p>\n"
)


def load(folder: Path) -> Model:
    """Load the model, or all models of a cross-validation, in the folder /opt/ml/model. Raises RuntimeError."""
    files = []
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name.startswith("."):
            log.warning(
                "Ignoring dotfile '%s' found in model directory - please exclude dotfiles from model archives", file
            )
        elif file.is_file():
            files.append(file)
    if not files:
        raise RuntimeError(f"There is no model in {folder}.")
    several = os.environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") == "true"
    return Model([_load(file) for file in (files if several else files[:1])], os.environ)


def _load(file: Path) -> Booster:
    log.info("Loading the model from %s", file)
    try:
        # As on AWS: the archive is the account's own, and so is the container.
        model, pickled = pickle.loads(file.read_bytes()), True  # noqa: S301
    except Exception as unpickling:  # noqa: BLE001 - whatever it is, it is no pickle
        model, pickled = xgb.Booster(), False
        try:
            model.load_model(file)
        except xgb.core.XGBoostError as loading:
            raise RuntimeError(
                f"Model {file} cannot be loaded:\nPickle load error={unpickling}\nXGB load model error={loading}"
            ) from loading
    model.set_param("nthread", 1)
    return Booster(model, pickled=pickled)


class Booster:
    """A booster, and whether it was pickled: the features of requests to such a one are counted."""

    def __init__(self, model: xgb.Booster, *, pickled: bool) -> None:
        self.model, self._pickled = model, pickled
        self._lock = threading.Lock()

    def predict(self, rows: xgb.DMatrix, kind: str) -> Any:
        """Return its predictions. Raises ValueError for too many features, or too few."""
        if self._pickled:
            self._check(rows.num_col(), kind)
        with self._lock:
            return self.model.predict(rows, validate_features=False)

    def _check(self, given: int, kind: str) -> None:
        trained = self.model.num_features()
        if kind == data.LIBSVM:
            if given > trained + 1:
                raise ValueError(
                    f"Feature size of libsvm inference data {given} is larger than feature size of trained model "
                    f"{trained}."
                )
        elif trained not in {given, given - 1}:
            # The container's sentence has the sizes in this order.
            raise ValueError(
                f"Feature size of {kind} inference data {given} is not consistent with feature size of trained model "
                f"{trained}."
            )


class Model:
    """One booster, or several that answer together: by the mean of their predictions, or by vote."""

    def __init__(self, boosters: list[Booster], environment: Mapping[str, str]) -> None:
        self._boosters = boosters
        learner = json.loads(boosters[0].model.save_config())["learner"]
        self._objective: str = learner["objective"]["name"]
        self._classes = int(learner["learner_model_param"].get("num_class") or 0)
        self._chosen = environment.get("SAGEMAKER_INFERENCE_OUTPUT")
        self._accept = environment.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", content_types.CSV)
        self._batch = bool(environment.get("SAGEMAKER_BATCH"))
        log.info("Model objective : %s", self._objective)

    def invoke(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        if not request.body:
            return text(HTTPStatus.NO_CONTENT, "")
        try:
            rows, kind = requests.read(request.body, request.headers.get("content-type"))
        except Exception as error:
            log.exception("The body can't be read.")
            return text(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error))
        try:
            predictions = self._predict(rows, kind)
        except Exception as error:
            log.exception("The body can't be predicted from.")
            return text(HTTPStatus.BAD_REQUEST, f"Unable to evaluate payload provided: {error}")
        accept, _ = content_types.parse(request.headers.get("accept", ""))
        if accept.lower() not in {*_ACCEPTED, "", "*/*"}:
            sentence = f"Accept type {accept} is not supported. Please use supported accept types: {_ACCEPTED}."
            return text(HTTPStatus.NOT_ACCEPTABLE, sentence)
        accept = self._accept if accept in {"", "*/*"} else accept.lower()
        try:
            body = self._encode_chosen(predictions, accept) if self._chosen else self._encode(predictions, accept)
        except Exception as error:
            log.exception("The answer can't be made.")
            return text(HTTPStatus.INTERNAL_SERVER_ERROR, str(error) if self._chosen else _FAILED)
        charset = "; charset=utf-8" if accept.startswith("text/") else ""
        return HttpResponse(HTTPStatus.OK, f"{accept}{charset}", body)

    def _predict(self, rows: xgb.DMatrix, kind: str) -> Any:
        predictions = [booster.predict(rows, kind) for booster in self._boosters]
        if len(predictions) == 1:
            return predictions[0]
        if self._objective in _BY_VOTE:
            log.info("Vote ensemble prediction of %s with %d models", self._objective, len(predictions))
            return stats.mode(predictions).mode
        log.info("Average ensemble prediction of %s with %d models", self._objective, len(predictions))
        return np.mean(predictions, axis=0)

    def _encode_chosen(self, predictions: Any, accept: str) -> bytes:
        keys = selectable.chosen(self._chosen or "")
        selected = selectable.select(predictions, keys, self._objective, self._classes)
        return selectable.encode(selected, keys, accept, batch=self._batch)

    def _encode(self, predictions: Any, accept: str) -> bytes:
        values = predictions.tolist()
        if self._batch:
            return "".join(f"{value}\n" for value in values).encode()
        if accept == content_types.JSON:
            return json.dumps({"predictions": [{"score": value} for value in values]}).encode()
        if accept == content_types.CSV:
            lines = io.StringIO()
            rows = values if predictions.ndim > 1 else [[value] for value in values]
            csv.writer(lines, lineterminator="\n").writerows(rows)
            return lines.getvalue().encode()
        raise ValueError(f"Content type {accept} is not supported by this framework.")
