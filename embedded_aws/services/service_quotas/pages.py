"""Pages of a list: a token says how many items came before."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, TypeVar

from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 100
_Item = TypeVar("_Item")


def page(items: Sequence[_Item], *, size: int | None, token: str | None) -> tuple[list[_Item], str | None]:
    """A page of at most `size` items (100 if it is None), and the token of the next. Raises ServiceError."""
    start = _opened(token) if token else 0
    end = start + (size or MOST)
    return list(items[start:end]), _sealed(end) if end < len(items) else None


def _sealed(position: int) -> str:
    return base64.b64encode(str(position).encode()).decode()


def _opened(token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError) as error:
        raise ServiceError("InvalidPaginationTokenException", "Invalid token was used.") from error
