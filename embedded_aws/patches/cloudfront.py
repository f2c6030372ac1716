"""CloudFront with a REST API behind it, or a bucket that is reached over TLS only.

ministack 1.5.33 answers 502 for every origin at AWS's names but few, and asks S3 as if without TLS, which buckets may
deny. CloudFront asks S3 by the viewer's protocol. Sources: CloudFront's guide, "Require HTTPS for communication between
CloudFront and your Amazon S3 origin", and "Amazon API Gateway" among the origins; API Gateway refuses a Host that is
not its own, so that distributions must not forward the viewer's. Not compared with AWS: how it words that.
"""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import ministack.app
from ministack.core import iam_evaluator
from ministack.services import cloudfront

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Answer = tuple[int, str, dict[str, Any], bytes]

patches = Patches()


@patches.wraps(cloudfront._fetch_from_origin)
async def _fetch_from_origin(
    original: Callable[..., Awaitable[Answer]],
    origin: dict[str, Any],
    method: str,
    uri: str,
    query_string: str,
    headers: dict[str, Any],
    body: bytes,
    viewer_is_https: bool,
    client_ip: str,
    viewer_xff: str,
    dist_arn: str,
) -> Answer:
    iam_evaluator.pin_request_origin(client_ip, viewer_is_https)
    host = str(origin["domain_name"]).lower()
    path = f"{origin.get('origin_path') or ''}{uri}"
    if ".execute-api." not in host or ministack.app._parse_execute_api_url(host, path) is None:
        return await original(
            origin, method, uri, query_string, headers, body, viewer_is_https, client_ip, viewer_xff, dist_arn
        )
    sent = {
        name.lower(): value
        for name, value in cloudfront._origin_request_headers(origin, headers, client_ip, viewer_xff).items()
    }
    if sent.get("host", "").lower() != host:
        refusal = {"content-type": "application/json", "x-amzn-errortype": "ForbiddenException"}
        return HTTPStatus.FORBIDDEN, "Forbidden", refusal, b'{"message":"Forbidden"}'
    query = parse_qs(query_string, keep_blank_values=True)
    answered = await ministack.app._handle_execute_api_request(host, path, method, sent, body, query)
    if answered is None:
        raise cloudfront.OriginUnreachable(host)
    status, received, content = answered
    return status, http.client.responses.get(status, ""), {k.lower(): v for k, v in received.items()}, content
