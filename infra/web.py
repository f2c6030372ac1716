"""What the lab's web page consists of, and what a browser is told of it.

It imports nothing of the CDK, so that the page can be tried without a lab.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PAGE = ROOT / "web"
# TensorFlow.js in plain JavaScript, as package-lock.json pins it: no file of it is loaded from elsewhere.
_RUNTIME = (
    "tfjs-core/dist/tf-core.min.js",
    "tfjs-converter/dist/tf-converter.min.js",
    "tfjs-backend-cpu/dist/tf-backend-cpu.min.js",
)

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PERMISSIONS_POLICY = "camera=(self), geolocation=(), microphone=()"


def files() -> list[Path]:
    """Return the page's files, TensorFlow.js's among them; each lies under its own name beside the others."""
    return [*sorted(_PAGE.iterdir()), *(ROOT / "node_modules" / "@tensorflow" / file for file in _RUNTIME)]
