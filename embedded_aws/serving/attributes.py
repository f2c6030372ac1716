"""Read what X-Amzn-SageMaker-Custom-Attributes tells TensorFlow Serving: tfs-model-name, tfs-model-version, tfs-method.

Follows make_tfs_uri of the container's tfs_utils.py and tensorflowServing.js (aws/deep-learning-containers,
scripts/docker/tensorflow/inference/sagemaker): what would change the address otherwise than it should is refused.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ATTRIBUTES = re.compile(r"(tfs-[a-z\-]+)=([^,]+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_VERSION = re.compile(r"[0-9]+")
_METHODS = ("predict", "classify", "regress")


class InvalidAttributeError(Exception):
    """An attribute that the container refuses with status 400; `rule` is what its Python service adds to the name."""

    def __init__(self, name: str, rule: str = "") -> None:
        super().__init__(f"invalid {name}")
        self.rule = rule


class Attributes(NamedTuple):
    """The attributes of a request; None where it has none."""

    model_name: str | None = None
    model_version: str | None = None
    method: str | None = None

    @classmethod
    def read(cls, header: str | None) -> Attributes:
        """Return those of the header's value; whatever else it has is ignored."""
        if not header:
            return _NONE
        found = dict(_ATTRIBUTES.findall(header))
        return cls(found.get("tfs-model-name"), found.get("tfs-model-version"), found.get("tfs-method"))

    def path(self, default_model: str) -> str:
        """Return where TensorFlow Serving answers, below /v1/models/. Raises InvalidAttributeError."""
        if self is _NONE:
            return f"{default_model}:predict"
        if self.model_name is not None and not _NAME.fullmatch(self.model_name):
            raise InvalidAttributeError("tfs-model-name")
        if self.model_version is not None and not _VERSION.fullmatch(self.model_version):
            raise InvalidAttributeError("tfs-model-version", ": must be a positive integer")
        if self.method is not None and self.method not in _METHODS:
            raise InvalidAttributeError("tfs-method", f": must be one of {'|'.join(_METHODS)}")
        version = f"/versions/{self.model_version}" if self.model_version else ""
        return f"{self.model_name or default_model}{version}:{self.method or 'predict'}"


_NONE = Attributes()
