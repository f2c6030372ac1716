"""The model of an artifact, by the hash that its answers bear: of receipt.json, in which all that made it is hashed.

`model_code/inference.py` has the same rule for the same file.
"""

from __future__ import annotations

import hashlib
import tarfile
from typing import IO, Any, cast

from infra.handlers.served_model.asynchronous import place_of

_RECEIPT = "receipt.json"
_DIGITS = 16


class NoReceiptError(Exception):
    """There is no receipt.json in an artifact."""


def model_of(s3: Any, uri: str) -> str:
    """Return the hash of the model in s3://…/model.tar.gz. Raises NoReceiptError, or ClientError.

    The artifact is read as a stream, and no further than the receipt: it may be larger than the function's memory.
    """
    body = s3.get_object(**place_of(uri))["Body"]
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", body), mode="r|gz") as archive:
            for member in archive:
                if member.name.removeprefix("./") == _RECEIPT and (file := archive.extractfile(member)):
                    return hashlib.sha256(file.read()).hexdigest()[:_DIGITS]
    finally:
        body.close()
    raise NoReceiptError
