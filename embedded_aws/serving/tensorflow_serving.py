"""Answer as TensorFlow Serving does: SavedModels by name and version, behind its REST API.

A model is loaded when it is first asked, or by `load`: TensorFlow takes two seconds and 400 MB that a `handler` which
answers by itself has no use for. TensorFlow Serving itself would load it anyway.

https://www.tensorflow.org/tfx/serving/api_rest; the words of refusals are those of its json_tensor.cc and core.
"""

from __future__ import annotations

import json
import re
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.serving import saved_models
from embedded_aws.serving.app import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+))?"
_ASKED = re.compile(rf"{_MODEL}:(?P<method>predict|classify|regress)")
_LOOKED_AT = re.compile(rf"{_MODEL}(?P<metadata>/metadata)?")
_JSON = "application/json"


class ServableNotFoundError(Exception):
    """A model or a version that is not there (NOT_FOUND, HTTP 404)."""


class ModelServer:
    """All models of a folder, each with all its versions."""

    def __init__(self, folders: Mapping[str, Mapping[int, Path]], *, default: str) -> None:
        self.default = default
        self._folders = dict(folders)
        self._loaded: dict[Path, Any] = {}
        self._lock = threading.Lock()

    @classmethod
    def find(cls, folder: Path, *, default: str | None) -> ModelServer:
        """Find every SavedModel in a numeric folder; its model is named after the folder above.

        Raises ValueError, in the container's words, if there is none.
        """
        folders: dict[str, dict[int, Path]] = {}
        for file in sorted(folder.rglob("saved_model.pb")):
            version = file.parent.name
            if version.isdigit():
                folders.setdefault(file.parent.parent.name, {})[int(version)] = file.parent
        if not folders:
            raise ValueError("no SavedModel bundles found!")
        return cls(folders, default=default or next(iter(folders)))

    def load(self) -> None:
        """Load all of them now."""
        for versions in [*self._folders.values()]:
            for folder in versions.values():
                self.model(folder)

    def add(self, name: str, versions: Mapping[int, Path]) -> None:
        """Have one more model."""
        self._folders[name] = versions

    def remove(self, name: str) -> None:
        """Have a model no longer; who asks it now is still answered."""
        for folder in self._folders.pop(name, {}).values():
            self._loaded.pop(folder, None)

    def versions(self, name: str) -> Mapping[int, Path]:
        """Return the folders of a model's versions; none if there is no such model."""
        return self._folders.get(name, {})

    def find_version(self, name: str, version: int | None = None) -> tuple[int, Path]:
        """Return a version, by default the latest, and its folder. Raises ServableNotFoundError."""
        versions = self.versions(name)
        found = max(versions, default=0) if version is None else version
        if found not in versions:
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise ServableNotFoundError(f"Servable not found for request: {wanted}")
        return found, versions[found]

    def respond(self, method: str, path: str, body: bytes) -> HttpResponse:
        """Answer a request of the REST API: a prediction, a model's status or its metadata."""
        asks = method == "POST"
        match = (_ASKED if asks else _LOOKED_AT).fullmatch(path)
        if not match:
            return _error(HTTPStatus.BAD_REQUEST, f"Malformed request: {method} {path}")
        name, version = match["name"], int(match["version"]) if match["version"] else None
        try:
            if asks:
                return self._answer(match["method"], self.model(self.find_version(name, version)[1]), body)
            if match["metadata"]:
                return _metadata(name, *self.find_version(name, version))
            return _status(self.statuses(name, version))
        except ServableNotFoundError as error:
            return _error(HTTPStatus.NOT_FOUND, str(error))

    def statuses(self, name: str, version: int | None = None) -> list[int]:
        """Return a model's versions, or the one that is asked for: all are available. Raises ServableNotFoundError."""
        versions = self.versions(name)
        if not versions:
            raise ServableNotFoundError(f"Could not find any versions of model {name}")
        if version is not None and version not in versions:
            raise ServableNotFoundError(f"Could not find version {version} of model {name}")
        return [*versions] if version is None else [version]

    def predict(self, path: str, body: bytes) -> HttpResponse:
        """Answer a request for a prediction, `path` being /v1/models/…:predict."""
        return self.respond("POST", path, body)

    def model(self, folder: Path) -> Any:
        """Return the SavedModel of a version's folder, loaded once."""
        with self._lock:
            if folder not in self._loaded:
                self._loaded[folder] = saved_models.load(folder)
            return self._loaded[folder]

    def _answer(self, method: str, model: Any, body: bytes) -> HttpResponse:
        from embedded_aws.serving import predictions  # noqa: PLC0415 - not before TensorFlow is there, see above

        try:
            return HttpResponse(HTTPStatus.OK, _JSON, predictions.answer(method, model, body).encode())
        except predictions.InvalidArgumentError as error:
            return _error(HTTPStatus.BAD_REQUEST, str(error))


def _status(versions: Iterable[int]) -> HttpResponse:
    ready = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    return _document({"model_version_status": [{"version": str(version), **ready} for version in versions]})


def _metadata(name: str, version: int, folder: Path) -> HttpResponse:
    """Return the signatures as tensorflow.org/tfx/serving/api_rest shows them: with every field of theirs."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - few ask for it

    signatures = {
        each: MessageToDict(signature, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for each, signature in saved_models.signatures(folder).items()
    }
    spec = {"name": name, "signature_name": "", "version": str(version)}
    return _document({"model_spec": spec, "metadata": {"signature_def": {"signature_def": signatures}}})


def _document(document: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(HTTPStatus.OK, _JSON, json.dumps(document).encode())


def _error(status: HTTPStatus, message: str) -> HttpResponse:
    return HttpResponse(status, _JSON, json.dumps({"error": message}).encode())
