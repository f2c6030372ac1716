"""Content types: the names of the formats that algorithms read and answer, and how one is taken from a header."""

from __future__ import annotations

from email.message import Message

CSV = "text/csv"
LIBSVM = "text/libsvm"
X_LIBSVM = "text/x-libsvm"
PARQUET = "application/x-parquet"
RECORDIO_PROTOBUF = "application/x-recordio-protobuf"
JSON = "application/json"
JSON_LINES = "application/jsonlines"


def parse(header: str) -> tuple[str, dict[str, str]]:
    """Return type and parameters of a header: of `text/csv; label_size=1`, ("text/csv", {"label_size": "1"})."""
    if not header.strip():
        return "", {}
    message = Message()
    message["Content-Type"] = header
    kind, *parameters = message.get_params(failobj=[("", "")])
    return kind[0].strip(), {name.strip(): value for name, value in parameters}
