"""The web page does in a browser what model_code does: the same preparation, the same answers, the same sentences.

Here, beside the training whose network it runs: the page is served as CloudFront serves it, and no lab is needed.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from bench.support import browser
from infra import web
from photo import prepare
from tests.accessibility import violations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.model_code.conftest import Run

# The page's policy lets nobody evaluate text, which is how Playwright waits for what is no element.
_CAMERA = """() => new Promise((done) => {
  const look = () => (document.querySelector("video").videoWidth > 0 ? done() : setTimeout(look, 50));
  look();
})"""
_PREPARE = """async (encoded) => {
  const [{ decode }, { prepare }] = await Promise.all([import("./picture_file.js"), import("./preparation.js")]);
  const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
  return [...prepare(await decode(new Blob([bytes]))).grey];
}"""


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files with the headers that CloudFront adds."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **web.TYPES}  # noqa: RUF012 as the library has it

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", web.CONTENT_SECURITY_POLICY)
        self.send_header("Permissions-Policy", web.PERMISSIONS_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is, with the trained network in it."""
    folder = tmp_path_factory.mktemp("page")
    for file in web.files():
        (folder / file.name).symlink_to(file)
    (folder / "model").symlink_to(trained.artifact / "exports" / "tfjs")
    labels = json.loads((trained.artifact / "labels.json").read_text())
    (folder / "config.json").write_text(json.dumps({"labels": labels, "model": True, "api": False}))

    def handler(*arguments: Any) -> _Handler:
        return _Handler(*arguments, directory=str(folder))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, with a camera that shows a test picture."""
    with browser.headless("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as running:
        yield running


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The page, on a phone; it asks nobody else for anything, and breaks no rule of its own."""
    context = chromium.new_context(viewport={"width": 360, "height": 720}, permissions=["camera"])
    opened = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(address)
    opened.wait_for_selector("#bars li:nth-child(10)")
    yield opened
    context.close()
    assert not wrong
    assert {url.partition(address)[0] for url in asked if not url.startswith(("blob:", "data:"))} == {""}


def photo(size: tuple[int, int], *, light: bool = True, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """Draw a block with colour and a slope of light in it, of any size."""
    rng = np.random.default_rng(seed)
    width, height = size
    ground = rng.integers(170, 230) if light else rng.integers(5, 40)
    pixels = np.full((height, width, 3), ground, dtype=np.float64) + np.linspace(0, 25, width)[None, :, None]
    pixels[height // 3 : 2 * height // 3, width // 4 : 3 * width // 4] = rng.integers(0, 256, 3)
    pixels += rng.integers(-6, 7, pixels.shape)
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    if mode == "RGBA":
        image.putalpha(Image.fromarray(np.where(np.indices((height, width))[0] > height // 8, 255, 0).astype(np.uint8)))
        return image
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the picture as a file's bytes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def prepared(page: Page, content: bytes) -> np.ndarray:
    """What the page makes of a file."""
    found = page.evaluate(_PREPARE, base64.b64encode(content).decode())
    return np.array(found, dtype=np.uint8).reshape(48, 48)


PHOTOS = [
    photo((48, 48), light=False),
    photo((48, 48)),
    photo((49, 60)),
    photo((192, 192)),
    photo((191, 300), light=False),
    photo((640, 480), seed=1),
    photo((801, 1200), seed=2),
    photo((300, 200), mode="L", seed=3),
    photo((300, 300), mode="P", seed=4),
    photo((250, 260), mode="RGBA", seed=5),
    Image.new("L", (100, 80), 77),
]


def test_a_photo_is_prepared_to_the_bit(page: Page) -> None:
    """Of any size, on any ground, in colour, in grey, with a palette, with what is transparent."""
    for number, each in enumerate(PHOTOS):
        content = encoded(each)
        wanted = np.rint(prepare(content) * 255).astype(np.uint8)
        np.testing.assert_array_equal(prepared(page, content), wanted, err_msg=f"photo {number}: {each}")


def test_a_jpeg_is_prepared_as_nearly_as_its_decoders_agree(page: Page) -> None:
    """Turned as its EXIF orientation says."""
    turned = Image.Exif()
    turned[0x0112] = 6
    for content in (
        encoded(photo((640, 480), seed=6), "JPEG", quality=90, subsampling=0),
        encoded(photo((480, 640), seed=7), "JPEG", quality=85),
        encoded(photo((300, 480), seed=8), "JPEG", quality=90, exif=turned),
    ):
        difference = np.abs(prepared(page, content) - prepare(content) * 255)
        assert difference.max() <= 4


def test_the_network_answers_as_the_trained_one(page: Page, trained: Run) -> None:
    """Within 1e-5, for every test image."""
    import tensorflow as tf

    images = np.load(trained.artifact.parent.parent / "training" / "lego-simple-test-images.npy")
    network = tf.saved_model.load(str(trained.artifact / "1")).signatures["serving_default"]
    [wanted] = network(tf.constant(images.astype(np.float32) / 255)).values()
    found = np.array(page.evaluate(browser.ANSWER_IN_THE_PAGE, images.reshape(len(images), -1).tolist()))
    assert np.abs(found - wanted.numpy()).max() <= 1e-5


def test_a_photo_moves_ten_bars(page: Page, tmp_path: Path) -> None:
    """And the answer is told to who can't see them."""
    file = tmp_path / "photo.png"
    file.write_bytes(encoded(photo((300, 200))))
    page.get_by_label("Choose a photo").set_input_files(file)
    page.wait_for_selector("#bars .best")
    shown = json.loads(page.locator("#bars").get_attribute("data-probabilities") or "")
    assert sum(shown) == pytest.approx(1, abs=1e-5)
    best = page.locator("#bars .best").inner_text().split("\n")
    assert page.get_by_role("status").inner_text() == f"{best[0]}, {best[-1]}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways on a phone"


def test_the_camera_and_the_drawing_board_give_photos(page: Page) -> None:
    """The board by keys alone."""
    page.get_by_role("button", name="Camera").press("Enter")
    page.evaluate(_CAMERA)
    page.get_by_role("button", name="Take the photo").press("Enter")
    page.wait_for_selector("#bars .best")
    taken = page.locator("#bars").get_attribute("data-probabilities")
    page.get_by_role("button", name="Draw").press("Enter")
    board = page.get_by_label("Drawing board")
    for key in (" ", *["ArrowRight"] * 8, *["ArrowDown"] * 8, " "):
        board.press(key)
    expect(page.locator("#bars")).not_to_have_attribute("data-probabilities", str(taken))
    page.wait_for_selector("#bars .best")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"GIF89a" + bytes(100), id="a GIF"),
        pytest.param(encoded(photo((90, 80)))[:-30], id="a PNG cut short"),
        pytest.param(encoded(photo((300, 300)), "JPEG")[:2000], id="a JPEG cut short"),
        pytest.param(encoded(photo((40, 80))), id="too small"),
        pytest.param(encoded(Image.new("1", (10_000, 9_000))), id="a bomb"),
    ],
)
def test_what_is_no_photo_is_refused_in_the_endpoints_words(page: Page, tmp_path: Path, content: bytes) -> None:
    """One sentence, and no bar stands."""
    with pytest.raises(ValueError, match=r"^The [^\n]+\.$") as refused:
        prepare(content)
    file = tmp_path / "photo.png"
    file.write_bytes(content)
    page.get_by_label("Choose a photo").set_input_files(file)
    page.wait_for_selector("#answer.wrong")
    assert page.get_by_role("status").inner_text() == str(refused.value)
    assert page.locator("#bars .best").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(page: Page, tmp_path: Path, scheme: Literal["light", "dark"]) -> None:
    """It keeps to WCAG 2.2, AA: before a photo, with the drawing board, after a refusal, and after an answer."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    assert violations(page) == []
    page.get_by_role("button", name="Draw").press("Enter")
    assert violations(page) == []
    for content, shown in ((b"no photo", "#answer.wrong"), (encoded(photo((300, 200))), "#bars .best")):
        file = tmp_path / f"{len(content)}.png"
        file.write_bytes(content)
        page.get_by_label("Choose a photo").set_input_files(file)
        page.wait_for_selector(shown)
        assert violations(page) == []


def test_it_is_light_and_dark(page: Page) -> None:
    """As the visitor's system is."""
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 21, 24)"]
