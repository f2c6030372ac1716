"""A SageMaker that keeps its records in a database, ends, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from embedded_aws.database import Database
from embedded_aws.services.sagemaker.clock import Clock
from embedded_aws.services.sagemaker.provider import ServiceContext
from embedded_aws.services.sagemaker.service import SageMaker
from embedded_aws.services.sagemaker.store import Store
from tests.embedded_aws.services.sagemaker import conftest

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.services.sagemaker.provider import Provider


class Served:
    """A SageMaker of this database, behind a port; `begin` makes it anew of what is kept."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        config = Config(retries={"total_max_attempts": 1})
        session = boto3.Session("test", "test", region_name=conftest.REGION)
        self.client: Any = session.client("sagemaker", endpoint_url=url, config=config)
        self.begin()

    def begin(self, providers: dict[str, type[Provider]] | None = None) -> None:
        """Serve what the database holds, with these providers; a type that has none is only recorded."""
        self.database = Database(self.folder)
        store = Store(database=self.database)
        clock = Clock(conftest.PACE)
        context = ServiceContext(
            store, clock, "http://127.0.0.1:1", self.folder, conftest.IMAGES, self.folder, self.database
        )
        caller = (conftest.ACCOUNT, conftest.REGION)
        self.service = SageMaker(context, caller=lambda: caller, providers=providers or {})
        conftest.serve(self.service)
        self.service.restore()

    def end(self) -> None:
        """End as a kill does: nothing more is written."""
        self.service.close()
        self.database.close()

    def fill(self) -> None:
        """Let no page be added to the database: its disk is full."""
        pages = self.database.rows("PRAGMA page_count")[0][0]
        self.database.rows(f"PRAGMA max_page_count = {pages}")

    def make_room(self) -> None:
        """Let the database grow again."""
        self.database.rows("PRAGMA max_page_count = 1000000")
