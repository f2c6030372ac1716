"""A queue's URL that is no URL names no queue; ministack can't take it apart, and errs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import sqs

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable

patches = Patches()


@patches.wraps(sqs._queue_ref_from_urlish)
def _queue_ref_from_urlish(original: Callable[[str], tuple[str | None, str]], url: str) -> tuple[str | None, str]:
    try:
        return original(url)
    except ValueError:
        return None, url
