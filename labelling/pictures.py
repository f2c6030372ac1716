"""What kind of picture a file is."""

from __future__ import annotations

_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def media_type(content: bytes) -> str:
    """Return the media type of a picture, "" for what is none."""
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), "")
