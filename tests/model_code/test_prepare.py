"""prepare.py as a processing job runs it: photos in S3 become the lab's four files and a table, or a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from PIL import Image

import prepare as script
from data import LABELS, read_channel
from photo import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from embedded_aws import gateway

BUCKET = "photographed"
HALF = ("--test_fraction", "0.5")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A finished run of prepare.py, the folder it wrote, and its table's bytes if there is one."""

    code: int
    output: str
    error: str
    message: str
    folder: Path
    table: bytes | None

    def rows(self) -> pd.DataFrame:
        """The table, by path."""
        import pandas as pd

        assert self.table
        return pd.read_parquet(io.BytesIO(self.table)).set_index("path")

    def report(self) -> dict[str, Any]:
        """report.json."""
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return report


Photos = dict[str, bytes]


def photo(seed: int, size: tuple[int, int] = (96, 72), kind: str = "PNG") -> bytes:
    """A photo of something bright on dark that no other seed gives."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 25, (size[1], size[0], 3), dtype=np.uint8)
    pixels[20:44, 30:60] = rng.integers(150, 255, 3, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def shoot(each: int = 10) -> Photos:
    """So many photos of every class, in folders named in many ways."""
    spellings: list[Callable[[str], str]] = [
        str.upper,
        lambda name: name.replace(" ", "_"),
        lambda name: name.lower().replace(" ", "-"),
        str,
    ]
    folders = [spellings[label % 4](name) for label, name in enumerate(LABELS)]
    folders[9] = "9"
    return {
        f"{folder}/{number}.png": photo(100 * label + number)
        for label, folder in enumerate(folders)
        for number in range(each)
    }


class Studio:
    """Puts photos below a place of its own in a bucket, and runs prepare.py over them."""

    def __init__(self, url: str, s3: Any, folder: Path) -> None:
        self._s3, self._folder = s3, folder
        self._place = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        self._environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "OPENBLAS_NUM_THREADS": "1",  # the script sets it, unless it is set
        }
        s3.create_bucket(Bucket=BUCKET)

    def run(self, photos: Photos, *flags: str, name: str = "one", process: bool = False) -> Prepared:
        """Add the photos to those that are there, and prepare all; in a process of its own if asked to."""
        for path, content in photos.items():
            self._s3.put_object(Bucket=BUCKET, Key=f"{self._place}/photos/{path}", Body=content)
        folder, message = self._folder / name, self._folder / f"{name}.txt"
        table = f"{self._place}/{name}/"
        arguments = [
            *("--photos", f"s3://{BUCKET}/{self._place}/photos", "--table", f"s3://{BUCKET}/{table}"),
            *("--output", str(folder), "--message", str(message), *flags),
        ]
        code, output, error = (self._run_process if process else self._run_here)(arguments)
        listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=table).get("Contents", [])
        assert [item["Key"] for item in listed] in ([], [f"{table}photos.parquet"])
        return Prepared(
            code=code,
            output=output,
            error=error,
            message=message.read_text(encoding="utf-8") if message.exists() else "",
            folder=folder,
            table=self._s3.get_object(Bucket=BUCKET, Key=listed[0]["Key"])["Body"].read() if listed else None,
        )

    def _run_process(self, arguments: list[str]) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", script.__file__, *arguments],
            env=os.environ | self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def _run_here(self, arguments: list[str]) -> tuple[int, str, str]:
        output, error = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(error):
            for name, value in self._environment.items():
                patch.setenv(name, value)
            patch.setattr(boto3, "DEFAULT_SESSION", None)
            code = script.main(arguments)
        return code, output.getvalue(), error.getvalue()


@pytest.fixture
def run(embedded: gateway.Gateway, client: Callable[[str], Any], tmp_path: Path) -> Callable[..., Prepared]:
    """Runs prepare.py over photos that nobody else has."""
    return Studio(embedded.url, client("s3"), tmp_path).run


@pytest.fixture(scope="module")
def studio(embedded: gateway.Gateway, client: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """One place for several runs."""
    return Studio(embedded.url, client("s3"), tmp_path_factory.mktemp("studio"))


@pytest.fixture(scope="module")
def first(studio: Studio) -> Prepared:
    """A run over ten good photos of each class, half of them for testing."""
    done = studio.run(shoot(), *HALF, process=True)
    assert done.code == 0, done.error
    return done


def refusal(done: Prepared) -> str:
    """The one sentence of a run that failed, which is SageMaker's exit message too; nothing else was written."""
    assert done.code == 1
    assert done.table is None
    assert not list(done.folder.glob("*"))
    assert done.error == f"{done.message}\n"
    return done.message


def test_photos_become_a_channel_that_training_takes(first: Prepared) -> None:
    """Each photo is in one split, as inference would prepare it, with its folder's class; the table says the rest."""
    photos = shoot()
    channel = read_channel(first.folder)
    rows = first.rows()
    assert len(rows) == len(channel.train.labels) + len(channel.test.labels) == len(photos)
    assert 35 <= len(channel.test.labels) <= 65
    for split, part in (("train", channel.train), ("test", channel.test)):
        # In the order of the hashes.
        kept = rows[rows["split"] == split].sort_values("sha256")
        assert list(kept["label"]) == part.labels.tolist()
        for path, image in zip(kept.index, part.images, strict=True):
            np.testing.assert_array_equal(image, prepare(photos[path]))
    brick = rows.loc["2X3 BRICK/0.png"]
    assert (brick["label"], brick["width"], brick["height"]) == (0, 96, 72)
    assert brick["sha256"] == hashlib.sha256(photos["2X3 BRICK/0.png"]).hexdigest()
    pixels = np.asarray(Image.open(io.BytesIO(photos["2X3 BRICK/0.png"])).convert("L"))
    assert brick["brightness"] == pytest.approx(pixels.mean() / 255, abs=1e-6)
    assert first.report()["classes"]["1x2 Grill"] == {
        split: int(((rows["label"] == 9) & (rows["split"] == split)).sum()) for split in ("train", "test")
    }
    assert first.message == first.output.splitlines()[-1]
    assert "photos=100/100" in first.output


def test_the_same_photos_give_the_same_bytes(studio: Studio, first: Prepared) -> None:
    """A second run writes what the first wrote: files, report and table."""
    second = studio.run({}, *HALF, name="second")
    files = sorted(path.name for path in first.folder.iterdir())
    assert len(files) == 5
    assert all((first.folder / name).read_bytes() == (second.folder / name).read_bytes() for name in files)
    assert first.table == second.table


def test_workers_read_what_takes_long(studio: Studio, first: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where so many photos are left that processes are worth their start, those write the same bytes."""
    from preparing import read_photos

    pools: list[int] = []

    class Pool(ProcessPoolExecutor):
        def __init__(self, workers: int, **more: Any) -> None:
            super().__init__(workers, **more)
            pools.append(workers)

    monkeypatch.setattr(read_photos, "_WORTH_WORKERS", 0)
    monkeypatch.setattr(read_photos, "ProcessPoolExecutor", Pool)
    done = studio.run({}, *HALF, name="workers")
    assert (done.code, len(pools)) == (0, 1), done.error
    assert done.table == first.table
    for file in first.folder.iterdir():
        assert (done.folder / file.name).read_bytes() == file.read_bytes()


def test_bad_photos_are_dropped_and_told(studio: Studio, first: Prepared) -> None:
    """Unreadable, too small, and twice there: each is in log, report and table with its reason, and in no array.

    A good one that came with them moves none of the others from one split to the other.
    """
    good = shoot()
    bad = {
        "0/cut.jpg": photo(1, kind="JPEG")[:600],
        "1x1 Brick/notes.txt": b"a brick",
        "2x1 Brick/small.png": photo(2, (40, 60)),
        "2x2_Brick/z.png": good["2x2_Brick/0.png"],
        "cog 16 tooth/z.png": good["2x2_Brick/1.png"],
    }
    done = studio.run({**bad, "0/new.png": photo(5000), "0/": b""}, *HALF, name="bad")
    assert done.code == 0, done.error
    dropped = {each["path"]: each["why"] for each in done.report()["dropped"]}
    assert list(dropped) == sorted(bad)
    assert dropped["2x1 Brick/small.png"].startswith("The picture has 40x60 pixels")
    assert dropped["2x2_Brick/z.png"] == "It has the same bytes as 2x2_Brick/0.png."
    assert dropped["cog 16 tooth/z.png"].endswith("2x2_Brick/1.png, which is in another class's folder.")
    rows = done.rows()
    assert rows.loc[sorted(bad), "dropped"].tolist() == list(dropped.values())
    assert rows.loc[sorted(bad), "split"].isna().all()
    assert rows.loc[sorted(bad), "width"].isna().sum() == 3
    assert rows["split"].drop([*bad, "0/new.png"]).equals(first.rows()["split"])
    channel = read_channel(done.folder)
    assert len(channel.train.labels) + len(channel.test.labels) == len(good) + 1
    assert all(f"dropped {path}: {why}" in done.output.splitlines() for path, why in dropped.items())


def test_an_archive_takes_the_place_of_what_was_there(run: Callable[..., Prepared], tmp_path: Path) -> None:
    """What a deployment brings is delivered first; photos of an earlier one go, and hidden files do not count."""
    brought = tmp_path / "archive"
    brought.mkdir()
    with zipfile.ZipFile(brought / "photos.zip", "w") as archive:
        for path, content in {**shoot(1), ".DS_Store": b"", "0/.hidden": b""}.items():
            archive.writestr(path, content)
    done = run({"1x1 Brick/earlier.png": photo(1)}, *HALF, "--archive", str(brought))
    assert done.code == 0, done.error
    assert sorted(done.rows().index) == sorted(shoot(1))


def test_an_archive_that_is_none_is_refused(run: Callable[..., Prepared], tmp_path: Path) -> None:
    """A folder without a ZIP file is told, and no photo is touched."""
    assert f"{tmp_path} needs to hold one ZIP archive" in refusal(run({}, "--archive", str(tmp_path)))


def test_an_archive_with_a_file_of_gigabytes_is_refused(tmp_path: Path) -> None:
    """What is unpacked in memory is a photo's size at most: zeros that pack a thousand to one are named."""
    from preparing.find_photos import upload_archive

    with zipfile.ZipFile(tmp_path / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0/zeros.png", bytes(65 * 1024**2))
    with pytest.raises(ValueError, match=r"zeros\.png has more than 67,108,864 bytes"):
        upload_archive(tmp_path, f"s3://{BUCKET}/")


def test_a_class_without_photos_is_refused(run: Callable[..., Prepared]) -> None:
    """No folder, or nothing in it that can be read: the sentence names the class and what was found."""
    photos = {path: content for path, content in shoot(2).items() if not path.startswith("9/")}
    assert refusal(run(photos)) == "Class 9, 1x2 Grill, needs at least one photo; it has none."
    spoilt = refusal(run({**photos, "9/a.png": b"spoilt"}))
    assert spoilt.startswith("Class 9, 1x2 Grill, needs at least one photo; all 1 it has were dropped: The body")


def test_folders_that_are_no_class_are_refused(run: Callable[..., Prepared]) -> None:
    """An unknown folder gets the nearest class's name, photos in no folder at all the advice to move them."""
    assert "loose.png is in no class's folder" in refusal(run({"loose.png": photo(1)}))
    assert "2x3 Brik/ is no class's folder; did you mean '2x3 Brick'?" in refusal(run({"2x3 Brik/1.png": photo(1)}))


def test_files_beside_the_folders_are_dropped(run: Callable[..., Prepared]) -> None:
    """A README at the top, or a photo that nobody has sorted, is said and reported, and all else is prepared."""
    done = run({**shoot(2), "README.txt": b"our photos", "unsorted.png": photo(1)}, *HALF)
    assert done.code == 0, done.error
    for name in ("README.txt", "unsorted.png"):
        assert f"dropped {name}: It is in no class's folder." in done.output
        assert {"path": name, "why": "It is in no class's folder."} in done.report()["dropped"]
        assert name not in done.rows().index
    assert "22 photos: " in done.output
    assert " 2 dropped." in done.output


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), "There is no photo below s3://photographed/"),
        (("--photos", "s3://nosuchbucketanywhere/"), "NoSuchBucket"),
        (("--photos", "photos/"), "photos is 'photos/'; it needs to be a folder in S3"),
        (("--table", "photographed"), "table is 'photographed'"),
        (("--test_fraction", "1"), "test_fraction is '1'; it needs to be a number above 0 and below 1"),
        (("--photos", "s3://photographed/", "--table", "s3://photographed/a/"), "below photos"),
    ],
)
def test_a_mistake_is_one_sentence(run: Callable[..., Prepared], flags: tuple[str, ...], words: str) -> None:
    """No photo, no bucket, no address, no share: the script ends with 1 and says it, also to SageMaker."""
    assert words in refusal(run({}, *flags))
