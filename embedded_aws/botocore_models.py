"""botocore's models of services, each read once in a process, whoever asks for it."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.model import ServiceModel


class _Files(JSONFileLoader):
    """Reads models into plain dictionaries, which are ordered too: botocore's take twice as long."""

    def load_file(self, file_path: str) -> Any:
        """Return what is in the file of that name, with `.json` or `.json.gz` behind it; None if there is none."""
        for suffix, read in ((".json", bytes), (".json.gz", gzip.decompress)):
            path = Path(f"{file_path}{suffix}")
            if path.is_file():
                return json.loads(read(path.read_bytes()))
        return None


class _Models(Loader):
    def __init__(self) -> None:
        super().__init__(file_loader=_Files())

    def list_available_services(self, type_name: str) -> list[str]:
        """Return them from one look at the folders, of which there are hundreds."""
        return _services(type_name, tuple(dict.fromkeys(self.search_paths)))


LOADER = _Models()
"""Holds the models that clients were made of: for sessions, as their component `data_loader`."""


@cache
def _services(type_name: str, folders: tuple[str, ...]) -> list[str]:
    return Loader(list(folders), include_default_search_paths=False).list_available_services(type_name)


@cache
def service_model(name: str) -> ServiceModel:
    """Return the model of a service by its name in botocore. Raises UnknownServiceError."""
    return ServiceModel(LOADER.load_service_model(name, "service-2"), name)


def read(name: str) -> dict[str, Any]:
    """Return a model's document without keeping it. Raises UnknownServiceError."""
    document: dict[str, Any] = _Models().load_service_model(name, "service-2")
    return document
