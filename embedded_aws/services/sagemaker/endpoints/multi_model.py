"""A multi-model container: its models come from S3 when they are first asked, and go when memory is short.

Sources: SageMaker's guide, "Multi-model endpoints" (what is loaded, unloaded and kept, and ModelCacheSetting), "Invoke
a multi-model endpoint" (60 seconds to an answer, 360 to load), "Custom containers contract for multi-model endpoints"
(the container's own API); python_service.py of aws/deep-learning-containers, which counts memory as short above 70 %.
`Failed to download model data …` is AWS's sentence for a container's data (aws-samples/cvat-on-aws-china#3). Not
compared with AWS: that it is a multi-model endpoint's too; the other sentences; names of models as the container knows
them; when memory counts as short. What lies on the disk stays as long as the instance, however much it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import archives, s3_objects, s3_uris
from embedded_aws.services.sagemaker.endpoints.containers import SingleModelContainer
from embedded_aws.services.sagemaker.endpoints.invocation import SECONDS, model_error
from embedded_aws.services.sagemaker.runtime_api import TARGET_MODEL, refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embedded_aws.services.sagemaker.endpoints.hosts import ModelHost
    from embedded_aws.services.sagemaker.endpoints.invocation import Forwarder, Invocation, Measured, Response
    from embedded_aws.services.sagemaker.metrics.model_loading import ModelLoading
    from embedded_aws.services.sagemaker.store import Record

_SHORT = 0.7  # of the instance's memory
_DOWNLOADS = 2


class _LoadError(Exception):
    """A model that can't be loaded: what the caller is answered."""

    def __init__(self, answer: Response, *, reached_container: int = 0) -> None:
        super().__init__(answer[0])
        self.answer, self.status = answer, reached_container


@dataclass(eq=False)
class _Model:
    """A model that is loaded, or on its way."""

    name: str
    loading: asyncio.Task[None]
    in_use: int = 0


class MultiModelContainer(SingleModelContainer):
    """A container that serves the models below its ModelDataUrl. `ask` is used on the event loop only."""

    multi_model = True

    def __init__(self, host: ModelHost, metrics: ModelLoading) -> None:
        """Begin with no model."""
        super().__init__(host)
        self._metrics = metrics
        definition = host.model.container
        self._prefix = definition["ModelDataUrl"].rstrip("/") + "/"
        self._caches = definition.get("MultiModelConfig", {}).get("ModelCacheSetting") != "Disabled"
        self._models: OrderedDict[str, _Model] = OrderedDict()  # by target; what was not asked for longest comes first
        self._port = 0  # of the process that has them
        self._changing = asyncio.Lock()  # held while the container loads or unloads
        self._downloads = ThreadPoolExecutor(_DOWNLOADS, thread_name_prefix="models")
        self._background: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Bring it up, without a model. Raises HostError."""
        self.host.start()
        self._metrics.watch(lambda: sum(self.has(each) for each in [*self._models]))

    def stop(self) -> None:
        """End it: requests in progress have a few seconds."""
        self._metrics.forget()
        self.host.stop()
        self._downloads.shutdown(wait=False, cancel_futures=True)

    def kill(self) -> None:
        """End it at once."""
        self._metrics.forget()
        self.host.kill()
        self._downloads.shutdown(wait=False, cancel_futures=True)

    def has(self, target: str) -> bool:
        """Return whether a model is loaded."""
        model = self._models.get(target)
        return model is not None and model.loading.done() and self._port == self.host.port

    async def ask(
        self,
        forwarder: Forwarder,
        invocation: Invocation,
        measured: Measured,
        seconds: float = SECONDS,
    ) -> Response:
        """Return the target model's answer to an invocation, once it is loaded."""
        began = time.perf_counter()
        if self._port != self.host.port:  # it was started anew
            self._port = self.host.port
            self._models.clear()
        target, endpoint = invocation.headers[TARGET_MODEL], invocation.endpoint
        hit = self.has(target)
        model = self._models.get(target) or self._begin(target, forwarder, endpoint)
        self._models.move_to_end(target)
        self._metrics.cache_hit(hit=hit)
        model.in_use += 1
        try:
            if not hit:
                await asyncio.wait({model.loading}, timeout=seconds)
                waited = time.perf_counter() - began
                self._metrics.took("ModelLoadingWaitTime", waited)
                if unready := _unready(model, target, measured):
                    return unready
            left = max(seconds - (time.perf_counter() - began), 0.001)
            path = f"/models/{model.name}/invoke"
            return await forwarder.send(invocation, self._port, measured, container=self.name, path=path, seconds=left)
        finally:
            model.in_use -= 1
            if not self._caches and not model.in_use and self.has(target):
                self._in_background(self._drop(target, forwarder, endpoint))

    def _begin(self, target: str, forwarder: Forwarder, endpoint: Record) -> _Model:
        name = hashlib.sha256(target.encode()).hexdigest()[:32]
        loading = asyncio.get_running_loop().create_task(self._load(target, name, forwarder, endpoint))
        model = self._models[target] = _Model(name, loading)
        self._in_background(loading)
        return model

    async def _load(self, target: str, name: str, forwarder: Forwarder, endpoint: Record) -> None:
        """Bring a model from S3 to the disk, if it isn't there, and into the container. Raises _LoadError."""
        folder = self.host.models_folder / name
        try:
            if not folder.exists():
                await self._timed("ModelDownloadingTime", self._on_thread(lambda: self._download(target, folder)))
            async with self._changing:
                if not folder.exists():  # it was deleted with the model before
                    await self._on_thread(lambda: self._download(target, folder))
                await self._make_room(forwarder, endpoint)
                await self._timed("ModelLoadingTime", self._load_into_container(name, folder, forwarder, endpoint))
        except BaseException:
            self._models.pop(target, None)
            raise

    async def _load_into_container(self, name: str, folder: Path, forwarder: Forwarder, endpoint: Record) -> None:
        document = json.dumps({"model_name": name, "url": self.host.inside(folder / "model")}).encode()
        while True:
            status, text = await forwarder.manage(endpoint, self.host.port, "POST", "/models", document)
            if status in (HTTPStatus.OK, HTTPStatus.CONFLICT):  # or is loaded already
                return
            if status != HTTPStatus.INSUFFICIENT_STORAGE or not await self._unload_oldest(forwarder, endpoint):
                raise _LoadError(model_error(endpoint, status, text, container=self.name), reached_container=status)

    async def _make_room(self, forwarder: Forwarder, endpoint: Record) -> None:
        """Unload models that nobody uses as long as memory is short."""
        while (
            any(self.has(target) for target in self._models) and await self._on_thread(self.host.memory_used) > _SHORT
        ):
            if not await self._unload_oldest(forwarder, endpoint):
                return

    async def _unload_oldest(self, forwarder: Forwarder, endpoint: Record) -> bool:
        """Unload the model that was not asked for longest; False if all are in use."""
        idle = next((target for target, model in self._models.items() if not model.in_use and self.has(target)), None)
        if idle is None:
            return False
        await self._unload(idle, forwarder, endpoint)
        return True

    async def _unload(self, target: str, forwarder: Forwarder, endpoint: Record) -> None:
        path = f"/models/{self._models.pop(target).name}"
        await self._timed("ModelUnloadingTime", forwarder.manage(endpoint, self._port, "DELETE", path))

    async def _drop(self, target: str, forwarder: Forwarder, endpoint: Record) -> None:
        """Unload a model that isn't to be kept, and delete it from the disk, unless it is in use again."""
        async with self._changing:
            model = self._models.get(target)
            if model is not None and not model.in_use and self.has(target):
                folder = self.host.models_folder / model.name
                await self._unload(target, forwarder, endpoint)
                await self._on_thread(lambda: shutil.rmtree(folder, ignore_errors=True))

    def _download(self, target: str, folder: Path) -> None:
        """Bring a model's archive and take it apart in the folder; there is none if that fails. Raises _LoadError."""
        uri = f"{self._prefix}{target.lstrip('/')}"
        bucket, key = s3_uris.split(uri)
        archive = folder.with_suffix(".tar.gz")
        coming = folder.with_suffix(".coming")
        try:
            s3_objects.download(self.host.model.role.client("s3"), uri, archive)
            archives.unpack(archive, coming / "model")
            coming.rename(folder)
        except (ClientError, BotoCoreError) as error:
            raise _LoadError(
                refusal(
                    f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an "
                    "object located at the URL and that the role passed to CreateModel has permissions to download "
                    "the model."
                )
            ) from error
        except archives.ArchiveError as error:
            raise _LoadError(
                refusal(
                    f"Failed to extract model data archive(bucket: {bucket}, key: {key}). Please ensure that the "
                    f"object located at the URL is a valid tar.gz archive. {error}"
                )
            ) from error
        finally:
            archive.unlink(missing_ok=True)
            shutil.rmtree(coming, ignore_errors=True)

    async def _timed(self, metric: str, work: Any) -> Any:
        began = time.perf_counter()
        done = await work
        self._metrics.took(metric, time.perf_counter() - began)
        return done

    async def _on_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._downloads, work)

    def _in_background(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled():
            task.exception()  # who waits for it is told


def _unready(model: _Model, target: str, measured: Measured) -> Response | None:
    """Return what a caller is answered whose model isn't loaded; None if it is."""
    if not model.loading.done():
        sentence = f"Model {target} is still being downloaded or loaded. Wait and try your request again."
        measured.refused = True
        return refusal(sentence, code="ModelNotReadyException", status=HTTPStatus.TOO_MANY_REQUESTS)
    error = model.loading.exception()
    if error is None:
        return None
    if not isinstance(error, _LoadError):
        raise error
    measured.status = error.status
    measured.refused = not error.status
    return error.answer
