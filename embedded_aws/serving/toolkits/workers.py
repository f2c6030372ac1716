"""The processes that have a model: each answers one request at a time, and one that dies is replaced.

Their number, and that one is killed which takes longer than SAGEMAKER_MODEL_SERVER_TIMEOUT seconds (60): environment.py
of aws/sagemaker-inference-toolkit and _env.py of aws/sagemaker-containers. How long it waits before the next attempt,
where a new one does not load either: WorkerThread.java of awslabs/multi-model-server. Unlike AWS's containers, which
have a worker for each processor, there is one unless the variable asks for more: each has the model in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
import subprocess
from typing import TYPE_CHECKING

from embedded_aws.serving.app import HttpResponse
from embedded_aws.serving.toolkits import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embedded_aws.serving.app import HttpRequest

log = logging.getLogger(__name__)

_WAITS = (0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55)  # seconds before an attempt; the last again and again
_GRACE_SECONDS = 3.0
_GONE = (asyncio.IncompleteReadError, OSError)


class WorkerDiedError(Exception):
    """A worker has ended, before it had loaded its model or while it was to answer."""


class Worker:
    """One process, and the socket to it."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer

    @classmethod
    async def start(cls, command: Sequence[str]) -> Worker:
        """Start one, whose command ends with its socket's number and folders; return it once its model is loaded.

        Raises WorkerDiedError.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            words = [str(theirs.fileno()) if word == SOCKET else word for word in command]
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])  # noqa: ASYNC220 - a few ms, and nobody is asked yet
        worker = cls(process, *await asyncio.open_unix_connection(sock=ours))
        try:
            await messages.read(worker._reader)
        except _GONE:
            worker.kill()
            raise WorkerDiedError(f"a worker ended with status {process.returncode} before it was ready") from None
        except BaseException:
            worker.kill()
            raise
        return worker

    async def ask(self, request: HttpRequest) -> HttpResponse:
        """Return its answer. Raises WorkerDiedError."""
        head = [request.method, request.path, request.headers]
        try:
            self._writer.write(messages.pack(head, request.body))
            await self._writer.drain()
            (status, content_type, headers), body = await messages.read(self._reader)
        except _GONE:
            self.kill()
            raise WorkerDiedError(f"a worker ended with status {self._process.returncode}") from None
        return HttpResponse(status, content_type, body, tuple((name, value) for name, value in headers))

    def close(self) -> None:
        """Let it end by itself: nobody will ask it any more."""
        self._writer.close()

    def kill(self) -> None:
        """End it now, if it hasn't ended by itself."""
        self.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def wait(self) -> None:
        """Wait until it has ended, for a few seconds; then kill it."""
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


SOCKET = "SOCKET"
"""The word of a command in whose place each worker gets its socket's number."""


class Workers:
    """The workers of one model, among which its requests are shared."""

    def __init__(self, command: Sequence[str], *, count: int, seconds: float) -> None:
        """Have none yet. One that takes longer than so many seconds to answer is killed."""
        self._command, self._count, self._seconds = command, count, seconds
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._all: set[Worker] = set()
        self._replacing: set[asyncio.Task[None]] = set()

    @property
    def up(self) -> bool:
        """Return whether there is one that has loaded the model."""
        return bool(self._all)

    async def start(self) -> None:
        """Start them, the first one before the others: it installs what the code requires. Raises WorkerDiedError."""
        await self._add()
        await asyncio.gather(*(self._add() for _ in range(self._count - 1)))

    async def ask(self, request: HttpRequest) -> HttpResponse:
        """Return the answer of the next one that has nothing to do. Raises WorkerDiedError, or TimeoutError."""
        worker = await self._idle.get()
        try:
            answer = await asyncio.wait_for(worker.ask(request), self._seconds)
        except BaseException as error:  # its answer to a request that nobody waits for must not be the next one's
            self._all.discard(worker)
            worker.kill()
            log.error("%s; starting another one", str(error) or f"a worker took {self._seconds} seconds")  # noqa: TRY400
            replacing = asyncio.get_running_loop().create_task(self._replace())
            self._replacing.add(replacing)
            replacing.add_done_callback(self._replacing.discard)
            raise
        self._idle.put_nowait(worker)
        return answer

    async def stop(self) -> None:
        """End them. Whoever is asked still is waited for a few seconds."""
        for replacing in [*self._replacing]:
            replacing.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        for worker in self._all:
            worker.close()
        for worker in self._all:
            worker.wait()
        self._all.clear()

    async def _add(self) -> None:
        worker = await Worker.start(self._command)
        self._all.add(worker)
        self._idle.put_nowait(worker)

    async def _replace(self) -> None:
        for seconds in itertools.chain(_WAITS, itertools.repeat(_WAITS[-1])):
            await asyncio.sleep(seconds)
            try:
                await self._add()
            except WorkerDiedError as error:
                log.error("%s", error)  # noqa: TRY400 - the worker has told why
            else:
                return
