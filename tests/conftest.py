"""What every test may use: an embedded AWS of this test run's own, on a free port."""

from __future__ import annotations

import gc
import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import useragent

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from embedded_aws.botocore_models import LOADER
from tests import conforming, forking
from tests.embedded_aws.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from xdist.scheduler import LoadFileScheduling

    from tests.seats.class_of_two import ClassOfTwo


# Several processes share the processors: threads of NumPy's would wait for one another, and burn time while they do.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

_RAN = pytest.StashKey[set[str]]()  # the tests that have begun in this session, of those that run in order


def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers run the tests: two a processor, for most wait half of the time; 3 GB of memory each."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return max(1, min(2 * (os.cpu_count() or 1), int(memory / 3)))


# What takes longest, longest first: begun last, one of these would have a core for itself for minutes.
_LONG = (
    "tests/notebooks/",
    "tests/seats/",
    "tests/test_lab.py",
    "tests/test_rollout.py",
    "tests/test_retraining.py",
    "tests/labelling/test_whole_way.py",
    "tests/test_algorithm.py",
    "tests/test_lease.py",
    "tests/test_ways.py",
    "tests/test_cdk.py",
    "tests/model_code/",
    "tests/test_hostings.py",
    "tests/test_faults.py",
    "tests/infra/",
    "tests/embedded_aws/services/sagemaker/notebooks/",
    "tests/embedded_aws/services/sagemaker/endpoints/",
    "tests/embedded_aws/services/sagemaker/test_sdk_2.py",
    "tests/embedded_aws/algorithms/",
    "tests/embedded_aws/services/sagemaker/test_restoration.py",
    "tests/embedded_aws/services/sagemaker/test_sdk.py",
    "tests/embedded_aws/serving/",
    "tests/embedded_aws/services/sagemaker/test_own_images.py",
    "tests/embedded_aws/test_persistence.py",
    "tests/embedded_aws/test_package.py",
    "tests/embedded_aws/test_state.py",
    "tests/embedded_aws/test_cli.py",
    "tests/teardown/",
    "tests/labelling/",
    "tests/cli/",
    "tests/bench/",
)
# What takes minutes, and of whose subject other tests, or a benchmark, tell too: run if named, and with `--all`.
_WITH_ALL = (
    "tests/bench/",
    "tests/test_accessibility.py",
    "tests/test_drift.py",
    "tests/test_faults.py",
    "tests/test_algorithm.py",
    "tests/test_hostings.py",
    "tests/cli/console/test_buttons.py",
    "tests/test_lease.py",
    "tests/test_rollout.py",
    "tests/seats/test_changes.py",
    "tests/test_ways.py",
    "tests/test_retraining.py",
    "tests/labelling/test_whole_way.py",
    "tests/notebooks/test_algorithms.py",
    "tests/notebooks/test_drift.py",
    "tests/notebooks/test_hosting.py",
    "tests/notebooks/test_jobs.py",
    "tests/notebooks/test_laptop.py",
    "tests/notebooks/test_pipeline.py",
    "tests/model_code/loops/test_backends.py",
    "tests/model_code/loops/test_compiled.py",  # XLA's compilation; its loop is test_custom.py's
    "tests/model_code/loops/test_distributed.py",
    "tests/embedded_aws/test_package.py",  # a second environment; test_wheel.py and test_cli.py have the parts
    "tests/embedded_aws/test_persistence.py",
    "tests/embedded_aws/services/sagemaker/labeling/test_portal_in_a_browser.py",
    "tests/embedded_aws/services/sagemaker/pipelines/test_sdk_steps.py",
    # Many programs of samples; test_notebooks.py has lifecycle scripts run, test_crontab.py tells when a job is due.
    "tests/embedded_aws/services/sagemaker/notebooks/test_lifecycle_programs.py",
    "tests/embedded_aws/services/sagemaker/test_job_network_of_tensorflow.py",  # test_job_network.py: without it
    "tests/embedded_aws/services/sagemaker/test_sdk_2.py",
    "tests/embedded_aws/services/sagemaker/tuning/test_sdk_tuner.py",
    "tests/embedded_aws/algorithms/test_xgboost_training.py",
    "tests/embedded_aws/algorithms/closed/test_sdk_2_estimators.py",
    "tests/embedded_aws/services/sagemaker/endpoints/test_framework_models.py",
    "tests/embedded_aws/services/sagemaker/endpoints/test_hosts_of_frameworks.py",  # test_hosts.py without frameworks
    "tests/labelling/test_page_of_others.py",  # test_page.py has the page in a browser
)
_LEAVE_OUT = "TESTS_LEAVE_OUT_THE_LONGEST"
# Files that share what takes long to make, by the name of what one worker has: TensorFlow imported and a training, the
# CDK started and the lab synthesised, a class of two.
_TOGETHER = {
    "tests/model_code/": "training",
    "tests/infra/": "synthesis",
    "tests/notebooks/": "class",
    "tests/seats/": "class",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which nothing is left out."""
    parser.addoption("--all", action="store_true", help="every test: also those that take minutes")


def pytest_configure(config: pytest.Config) -> None:
    """Leave the longest out where nothing is selected; the workers have their environment from the first process."""
    selects = any(config.getoption(name, default=None) for name in ("all", "lf", "keyword"))
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS and not selects and not hasattr(config, "workerinput"):
        os.environ[_LEAVE_OUT] = "1"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not collect what is left out."""
    if _LEAVE_OUT not in os.environ:
        return None
    path = collection_path.relative_to(config.rootpath).as_posix()
    return f"{path}/".startswith(_WITH_ALL) or None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Return what gives each file to one worker, and all files of some folders to the same one."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return next((name for folder, name in _TOGETHER.items() if file.startswith(folder)), file)

    return Together(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not in what was collected, which stays: it took a fourteenth of the time."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Register this last: around pytest's own `--last-failed`."""
    session.config.pluginmanager.register(_WholeFiles(), "whole-files")


class _WholeFiles:
    """Selects, with a test that goes on from others, these too; begins with the files that deploy labs.

    Begun last, one of those would have a core for itself for minutes.
    """

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Collect all of a file whose tests run in order, where `--last-failed` collects its failed ones only."""
        report = yield
        if collector.config.getoption("lf", default=False) and isinstance(collector, pytest.Module) and report.passed:
            marks = getattr(collector.obj, "pytestmark", None)
            if marks and "in_order" in marks.args:
                report.result = [*collector.collect()]
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Select, once pytest has selected by `-k` or `--last-failed`, what those tests go on from."""
        every = [*items]
        yield
        last: dict[Path, int] = {}
        selected = {*items}
        for number, item in enumerate(every):
            if item in selected and "in_order" in _fixtures(item):
                last[item.path] = number
        # The others stay in pytest's order, which makes a module's fixture once for each of its parameters.
        together = [item for number, item in enumerate(every) if item in selected or number < last.get(item.path, 0)]
        items[:] = [
            *(item for item in together if item.path in last),
            *(item for item in items if item.path not in last),
        ]
        items.sort(key=_rank)


@pytest.fixture
def in_order(request: pytest.FixtureRequest) -> None:
    """Refuse to run a test without those above it in its file: it goes on from where they have left the lab.

    A module whose tests do so says `pytestmark = pytest.mark.usefixtures("in_order")`.
    """
    module, name = request.module, request.function.__name__
    ran = request.session.stash.setdefault(_RAN, set())
    ran.add(f"{module.__name__}.{name}")
    tests = [each for each in vars(module) if each.startswith("test_")]
    missing = [each for each in tests[: tests.index(name)] if f"{module.__name__}.{each}" not in ran]
    if missing:
        pytest.fail(f"It goes on from {missing[0]}, which has not run: run the whole file.", pytrace=False)


def _rank(item: pytest.Item) -> int:
    """Return what is the smaller the earlier a test's file is to begin."""
    return next((number for number, start in enumerate(_LONG) if item.nodeid.startswith(start)), len(_LONG))


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def no_account() -> Iterator[None]:
    """No test can reach an account: the caller's AWS settings are gone, and the metadata service is off."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


@pytest.fixture(scope="session", autouse=True)
def unvalidated() -> Iterator[None]:
    """No synth holds the templates against the CDK's rules, 60% of its time: tests/infra/test_app.py does, for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CDK_VALIDATION", "false")
        yield


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """All sessions share botocore's models: each has a loader of its own otherwise, and parses them anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _paths=None: LOADER)
        yield


@pytest.fixture(scope="session", autouse=True)
def forked() -> Iterator[None]:
    """The embedded AWSs that a test's process starts are forked: most of a start's time is imports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway, "begin_process", forking.begin)
        yield


@pytest.fixture
def unforked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embedded AWSs are started as they are for people: for tests of how that is done, or of what it leaves to see."""
    monkeypatch.setattr(gateway, "begin_process", forking.BEGIN_PROCESS)


@pytest.fixture(scope="session", autouse=True)
def agents_spelled_once() -> Iterator[None]:
    """A part of a User-Agent is spelled once: botocore does so for each of its thirty parts in each call."""
    with pytest.MonkeyPatch.context() as patch:
        spelled = cache(useragent.sanitize_user_agent_string_component)
        patch.setattr(useragent, "sanitize_user_agent_string_component", spelled)
        yield


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gateway.Gateway]:
    """A running embedded AWS whose waits are a tenth of the usual."""
    home = tmp_path_factory.mktemp("aws")
    environment = tool_environment()
    # One that outlived a killed test run would work on for nobody.
    yield gateway.start(home, cache=paths.cache(), environment=environment, pace=0.1, port=0, owner=os.getpid())
    gateway.stop(home)


@pytest.fixture(scope="session")
def client(embedded: gateway.Gateway) -> Callable[[str], Any]:
    """A boto3 client for a service of the embedded AWS, the same for all who ask: to make one takes longer than a call.

    The answers of services of ours are held to their model.
    """
    session: Any = boto3.Session("test", "test", region_name=gateway.REGION)

    @cache
    def make(service: str) -> Any:
        return conforming.watch(session.client(service, endpoint_url=embedded.url))

    return make


@pytest.fixture(scope="session")
def account(client: Callable[[str], Any]) -> Account:
    """The test run's account, with a role and a bucket."""
    return Account(client)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let botocore ask again at once: how long it waits is its own affair."""

    class NoTime:
        @staticmethod
        def sleep(_seconds: float) -> None:
            """Do not."""

    monkeypatch.setattr("botocore.endpoint.time", NoTime)


SECRET = "ghp_whatTheCallerKeepsInTheEnvironment"  # noqa: S105 - it opens nothing


class Lab:
    """`./lab` in a home folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "BRICKLAB_HOME": str(home), "COLUMNS": "200", "GITHUB_TOKEN": SECRET}
        self._session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
        self._clients: dict[tuple[str, gateway.Gateway], Any] = {}
        self._creating_client = threading.Lock()

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command; its standard output, or with another exit `code` its standard error."""
        done = forking.run(arguments, self.environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stderr if code else done.stdout

    def client(self, service: str) -> Any:
        """The boto3 client for the embedded AWS that the lab started; made once, for many tests ask twice a second."""
        running = gateway.running(self.home / "aws")
        assert running
        with self._creating_client:
            if (service, running) not in self._clients:
                trusted = running.environment().get("AWS_CA_BUNDLE")
                made = self._session.client(service, endpoint_url=running.url, verify=trusted)
                self._clients[service, running] = made
            return self._clients[service, running]

    def as_role(self, role: str) -> Lab:
        """The lab as whoever has assumed a role meets it: as on AWS, with credentials of their own."""
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="somebody")["Credentials"]
        keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        running = gateway.running(self.home / "aws")
        assert running
        theirs = Lab(self.home)
        theirs._session = boto3.Session(*keys, region_name=gateway.REGION)
        names = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
        theirs.environment |= {
            "BRICKLAB_TARGET": "aws",
            "AWS_ENDPOINT_URL": running.url,
            "AWS_CA_BUNDLE": running.environment()["AWS_CA_BUNDLE"],
            "AWS_REGION": gateway.REGION,
            **dict(zip(names, keys, strict=True)),
        }
        return theirs

    def close(self) -> None:
        """Close its clients' connections."""
        for client in self._clients.values():
            client.close()

    def outputs(self) -> dict[str, str]:
        """The outputs of all stacks."""
        stacks = self.client("cloudformation").describe_stacks()["Stacks"]
        return {o["OutputKey"]: o["OutputValue"] for stack in stacks for o in stack.get("Outputs", [])}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab that is gone after the module, whatever happened."""
    made = Lab(tmp_path_factory.mktemp("lab"))
    yield made
    made.close()
    gateway.stop(made.home / "aws")


@pytest.fixture(scope="session")
def class_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClassOfTwo]:
    """A class that notebooks run in, until tests/seats takes it down; its embedded AWS is gone at the end."""
    from tests.seats.class_of_two import ClassOfTwo

    lab = Lab(tmp_path_factory.mktemp("class"))
    yield ClassOfTwo(lab, tmp_path_factory.mktemp("roster"))
    lab.close()
    gateway.stop(lab.home / "aws")
