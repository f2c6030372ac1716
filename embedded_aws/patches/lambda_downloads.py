"""Links to the code of functions and layers: whoever has one may follow it for ten minutes, and nobody else.

ministack 1.5.33 gives it out with a signature that is the same word for all, answers it without looking, and by http
where it speaks https. Source: Lambda's API reference, GetFunction and GetLayerVersion ("valid for 10 minutes").
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ministack.services import lambda_svc

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable


def apply(sign: Callable[[str], str]) -> None:
    """Give out what `sign` returns for the path of a link, a URL."""
    patches = Patches()

    @patches.wraps(lambda_svc._presigned_code_url)
    def _presigned_code_url(original: Callable[[str], str], func_name: str) -> str:
        return sign(urlsplit(original(func_name)).path)

    @patches.wraps(lambda_svc._layer_content_url)
    def _layer_content_url(original: Callable[[str, int], str], layer_name: str, version: int) -> str:
        return sign(urlsplit(original(layer_name, version)).path)

    patches.apply()
