"""An unforeseen error in any service is an InternalFailure (500) in the protocol that was spoken, with the log's place.

ministack answers JSON to everybody, in which a client of S3 or IAM finds neither code nor message.
"""

from __future__ import annotations

import logging
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

import ministack.app
from ministack.core.iam_actions import access_denied_response

from embedded_aws import faults

if TYPE_CHECKING:
    from embedded_aws.patches.service_handlers import Handler, Response

log = logging.getLogger(__name__)


def tell_unexpected() -> None:
    """Answer so for every service; the last of the hooks, for errors in the others' work count too."""
    for name, handler in ministack.app.SERVICE_HANDLERS.items():
        ministack.app.SERVICE_HANDLERS[name] = _told(name, handler)


def _told(service: str, handler: Handler) -> Handler:
    async def answered(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        try:
            return await handler(method, path, headers, body, query)
        except Exception as error:
            log.exception("%s: %s %s", service, method, path)
            said = faults.sentence(error)
            _, described, content = access_denied_response(
                service, "", "", str(uuid.uuid4()), error_code=faults.CODE, message=said, headers=headers
            )
            return HTTPStatus.INTERNAL_SERVER_ERROR, described, content

    return answered
