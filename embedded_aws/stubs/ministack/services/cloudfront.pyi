from typing import Any

class OriginUnreachable(Exception): ...

async def _fetch_from_origin(
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
) -> tuple[int, str, dict[str, Any], bytes]: ...
def _origin_request_headers(
    origin: dict[str, Any], headers: dict[str, Any], client_ip: str, viewer_x_forwarded_for: str
) -> dict[str, str]: ...
