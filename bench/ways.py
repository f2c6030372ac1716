"""By how much each way of asking differs from the trained network: `./lab bench ways` asks the lab that stands.

It asks the endpoint, and whatever else `lab.serve_also` has the model serve by, for every image of the test set: the
Lambda function, the REST API, the component for devices by its recipe's own scripts, the network in the web page in an
installed Chromium, and where there is a compiler the program in C++. What they answer is held against what the network
itself found when it was trained, which lies in the artifact. Exit code 1 if a probability differs by more than 1e-5.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.support import browser, native, tables
from cli import settings
from cli.aws import stacks, ways
from cli.aws.session import Session, Target, connect
from cli.aws.ways import Way
from cli.ui.errors import LabError
from infra.handlers.served_model.asynchronous import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from infra.settings import Settings

    Array = npt.NDArray[Any]

_LIMIT = 1e-5
_IMAGES, _REFERENCE = "data/lego-simple-test-images.npy", "test_probabilities.npy"
_AT_ONCE = 1_000_000  # bytes of images in a request: any way takes as many
_OUTPUTS = {Way.LAMBDA: "FunctionUrl", Way.REST: "RestUrl", Way.EDGE: "EdgeComponent"}
_WEB = "WebUrl"


class _TestSet:
    """The lab's test images, what the trained network found for them, and the SavedModel that the artifact has."""

    def __init__(self, session: Session, outputs: Mapping[str, str], folder: Path) -> None:
        s3 = session.client("s3")
        images = s3.get_object(Bucket=outputs["BucketName"], Key=_IMAGES)["Body"].read()
        self.images: Array = np.load(io.BytesIO(images))
        artifact = s3.get_object(**place_of(outputs["ModelArtifact"]))["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(artifact)) as archive:
            archive.extractall(folder, filter="data")
        if not (folder / _REFERENCE).exists():
            sys.exit("The lab's artifact has no answers of the trained network: train anew, by `./lab up`.")
        self.wanted: Array = np.load(folder / _REFERENCE)
        self.saved_model = folder / "1"

    def batches(self) -> Iterator[bytes]:
        """Yield the images as .npy files that any way takes."""
        parts = max(1, self.images.nbytes // _AT_ONCE)
        for part in np.array_split(self.images, parts):
            file = io.BytesIO()
            np.save(file, part)
            yield file.getvalue()

    def greys(self) -> Array:
        """Return the pictures as a page has them, (n, 2304) uint8."""
        pixels = self.images if self.images.dtype == np.uint8 else np.rint(self.images * 255)
        return pixels.astype(np.uint8).reshape(len(pixels), -1)


def _asked(session: Session, lab: Settings, outputs: Mapping[str, str], test: _TestSet, way: Way) -> Array:
    answering = ways.of(way, session, lab, outputs)
    rows: list[list[float]] = []
    for batch in test.batches():
        answer = answering.ask(batch, "application/x-npy", notice=lambda _what: None)
        rows += [[*each["probabilities"].values()] for each in json.loads(answer)["predictions"]]
    return np.array(rows)


def _in_the_page(session: Session, url: str, test: _TestSet) -> Array:
    """Run the page's own network over the pictures, in the page as CloudFront brings it."""
    with browser.of_session(session) as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("#bars li:nth-child(10)")
        return np.array(page.evaluate(browser.ANSWER_IN_THE_PAGE, test.greys().tolist()))


def _in_cpp(test: _TestSet, folder: Path) -> Array:
    pictures = folder / "pictures.npy"
    np.save(pictures, test.images)
    score = native.compile_score(folder / "native")
    done = subprocess.run([score, test.saved_model, pictures], capture_output=True, text=True, check=True)
    return np.array([json.loads(line) for line in done.stdout.splitlines()])


def compare(session: Session, lab: Settings) -> dict[str, dict[str, float]]:
    """Return by way that the lab has: how many images were asked for, and by how much a probability differs at most."""
    outputs = stacks.outputs(session, lab.name)
    if "ModelArtifact" not in outputs:
        raise LabError(f"There is no lab {lab.name} to ask: `./lab up` makes one.")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        test = _TestSet(session, outputs, folder / "artifact")
        found = {
            way.value: _asked(session, lab, outputs, test, way)
            for way in Way
            if way is Way.ENDPOINT or _OUTPUTS[way] in outputs
        }
        if _WEB in outputs:
            found["web"] = _in_the_page(session, outputs[_WEB], test)
        if native.tools():
            found["c++"] = _in_cpp(test, folder)
    return {
        way: {"images": len(answers), "differs_by": float(np.abs(answers - test.wanted).max())}
        for way, answers in found.items()
    }


def main() -> None:
    """Ask, print the table; exit code 1 if any way differs by more than the limit."""
    parser = argparse.ArgumentParser(prog="./lab bench ways", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], help="as of `./lab`")
    parser.add_argument("--target", type=Target, choices=[*Target], default=Target.EMBEDDED, help="as of `./lab`")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    options = parser.parse_args()
    try:
        rows = compare(connect(options.target), settings.read(options.context))
    except LabError as error:
        sys.exit(str(error))
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        lines = [["way", "images", "largest difference from the trained network"]]
        lines += [[way, f"{row['images']:,}", f"{row['differs_by']:.1e}"] for way, row in rows.items()]
        tables.show(lines)
    sys.exit(any(row["differs_by"] > _LIMIT for row in rows.values()))


if __name__ == "__main__":
    main()
