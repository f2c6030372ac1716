"""The settings: one door, every problem at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from infra.settings import LONGEST_RUN, SettingsError, has_local_storage, read, virtual_cpus

if TYPE_CHECKING:
    from pathlib import Path

    from infra.seats import Seat


def message(**lab: Any) -> str:
    """What the user reads for these settings."""
    with pytest.raises(SettingsError) as caught:
        read({"lab": lab})
    return str(caught.value)


def names(seats: tuple[Seat, ...]) -> tuple[str, ...]:
    """The seats' safe names."""
    return tuple(seat.name for seat in seats)


def test_defaults_are_valid() -> None:
    """An empty context is a lab."""
    settings = read({})
    assert settings.name == "bricklab"
    assert names(settings.seats) == ("seat-01",)
    assert settings.seat_instance_types == ("ml.m5.large",)
    assert settings.hyperparameters() == {
        "epochs": "10",
        "batch_size": "32",
        "learning_rate": "0.001",
        "hidden_units": "128",
        "seed": "0",
    }


def test_an_override_wins_over_the_mapping() -> None:
    """`-c lab.KEY=VALUE` arrives as a text under a key of its own, and wins."""
    context = {"lab": {"epochs": 5, "batch_size": 16}, "lab.epochs": "3", "lab.learning_rate": "1e-2", "other": 1}
    settings = read(context)
    assert (settings.epochs, settings.batch_size, settings.learning_rate) == (3, 16, 0.01)


def test_what_else_serves_is_a_list() -> None:
    """A list in cdk.json or a text with commas, each once; nothing by default, and with the Keras network only."""
    assert read({}).serve_also == ()
    assert read({"lab.serve_also": "lambda, edge"}).serve_also == ("lambda", "edge")
    assert read({"lab": {"serve_also": ["rest", "web"]}}).serve_also == ("rest", "web")
    assert "must be 'lambda', 'rest', 'edge' or 'web'" in message(serve_also=["lambda", "phone"])
    assert "lab.serve_also = ['web', 'web']: must have each once; 'web' is there twice" in message(
        serve_also=["web", "web"]
    )
    assert "lab.serve_also = ['lambda']: must be empty with lab.algorithm = 'xgboost'" in message(
        serve_also=["lambda"], algorithm="xgboost"
    )


def test_a_custom_loop_is_a_hyperparameter_and_the_default_is_none() -> None:
    """Written out or not, the default trains as labs did before there was a choice: it makes no other job of theirs."""
    assert read({"lab.loop": "custom"}).hyperparameters() == {**read({}).hyperparameters(), "loop": "custom"}
    assert read({"lab": {"loop": "fit"}}).hyperparameters() == read({}).hyperparameters()


def test_a_backend_is_a_hyperparameter_and_the_default_is_none() -> None:
    """As with the loop: the default makes no other job."""
    assert read({"lab.backend": "jax"}).hyperparameters() == {**read({}).hyperparameters(), "backend": "jax"}
    assert read({"lab": {"backend": "tensorflow"}}).hyperparameters() == read({}).hyperparameters()


@pytest.mark.parametrize(
    ("lab", "rule"),
    [
        ({"backend": "jax", "loop": "custom"}, "lab.loop = 'custom': must be 'fit' with lab.backend = 'jax'"),
        ({"backend": "torch", "training_instance_count": 2}, "lab.training_instance_count = 2: must be 1 with"),
        ({"batch_size": 3, "training_instance_count": 4}, "lab.batch_size = 3: must be at least"),
    ],
)
def test_what_does_not_train_together_is_one_sentence(lab: dict[str, Any], rule: str) -> None:
    """Settings that are right by themselves and wrong together are named before anything is deployed."""
    assert rule in message(**lab)


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ("all-at-once", ("all-at-once", 100, 0)),
        ("all-at-once:300", ("all-at-once", 100, 300)),
        ("canary", ("canary", 10, 300)),
        ("canary:25%", ("canary", 25, 300)),
        (" canary : 5 : 120s", ("canary", 5, 120)),
        ("linear", ("linear", 10, 60)),
        ("linear:50%:3600", ("linear", 50, 3600)),
    ],
)
def test_a_rollout_has_a_size_and_a_wait(given: str, read_as: tuple[str, int, int]) -> None:
    """What is not said is what CodeDeploy calls its own; a rollout that was read is written as it can be read."""
    rollout = read({"lab.rollout": given}).rollout
    assert (rollout.type, rollout.percent, rollout.wait) == read_as
    assert read({"lab": {"rollout": str(rollout)}}).rollout == rollout


@pytest.mark.parametrize(
    ("lab", "rule"),
    [
        ({"rollout": "blue-green"}, 'must be "all-at-once", "canary" or "linear"'),
        ({"rollout": "canary:1:2:3"}, 'must be "all-at-once", "canary" or "linear"'),
        ({"rollout": {"type": "canary"}}, 'must be "all-at-once", "canary" or "linear"'),
        ({"rollout": "all-at-once:10%:300"}, "without a size"),
        ({"rollout": "canary:51%"}, "a size between 1% and 50%"),
        ({"rollout": "canary:0"}, "a size between 1% and 50%"),
        ({"rollout": "linear:9%"}, "a size between 10% and 50%"),
        ({"rollout": "linear:half"}, "a size between 10% and 50%"),
        ({"rollout": "canary:10%:59"}, "wait between 60 and 3600 seconds"),
        ({"rollout": "canary:10%:5m"}, "wait between 60 and 3600 seconds"),
        ({"rollout": "linear:10%:3600"}, "its waits take 36000 s together"),
        ({"rollout": "canary", "hosting": "serverless"}, "must be 'all-at-once' with lab.hosting = 'serverless'"),
        ({"rollout": "all-at-once:60", "hosting": "serverless"}, "must be 'all-at-once' with lab.hosting"),
        ({"hosting": "realtime"}, "lab.hosting = 'realtime': must be 'real-time', 'serverless' or 'async'"),
        ({"serverless_memory": 1000}, "must be 1024, 2048, 3072, 4096, 5120 or 6144 MB"),
        ({"serverless_concurrency": 201}, "must be less than or equal to 200"),
        ({"seats": ["async"]}, "lab.seats: 'async' can't be a seat's name"),
        *(
            ({"endpoint_instances": given}, 'as in "1-4"; at least 1, at most 100')
            for given in (0, "4-1", "0-2", "1-101", "", "one", "1-", True, None, [1, 4])
        ),
        (
            {"endpoint_instances": "1-2", "endpoint_instance_type": "ml.t2.medium"},
            "Application Auto Scaling refuses burstable instances",
        ),
        ({"endpoint_instances": 2, "hosting": "serverless"}, "must be 1 with lab.hosting = 'serverless'"),
        ({"endpoint_instances": "1-2", "hosting": "async"}, "must be one number with lab.hosting = 'async'"),
    ],
)
def test_a_rollout_or_hosting_that_can_t_be_is_one_sentence(lab: dict[str, Any], rule: str) -> None:
    """Key, value and rule, before anything is deployed."""
    said = message(**lab)
    assert rule in said
    assert said.startswith("The lab's settings have 1 problem:")


@pytest.mark.parametrize(("given", "bounds"), [(1, (1, 1)), ("3", (3, 3)), ("1-4", (1, 4)), ("2 - 10", (2, 10))])
def test_instances_are_a_number_or_two(given: int | str, bounds: tuple[int, int]) -> None:
    """What was read is written as it can be read."""
    instances = read({"lab.endpoint_instances": given}).endpoint_instances
    assert (instances.least, instances.most) == bounds
    assert read({"lab": {"endpoint_instances": str(instances)}}).endpoint_instances == instances


@pytest.mark.parametrize(
    ("given", "seconds"), [("all-at-once", 0), ("all-at-once:60", 60), ("canary", 600), ("linear:30%:100", 400)]
)
def test_an_update_has_time_for_all_its_waits(given: str, seconds: int) -> None:
    """After each step, and once more with all traffic on the new instances; their start comes on top."""
    rollout = read({"lab.rollout": given}).rollout
    assert rollout.seconds == seconds
    assert rollout.limit >= seconds + 600


@pytest.mark.parametrize(
    ("given", "types"),
    [
        ("ml.m5.large", ("ml.m5.large",)),
        ("ml.m5.large, ml.c5.xlarge", ("ml.m5.large", "ml.c5.xlarge")),
        (["ml.m5.large", "ml.c5.xlarge"], ("ml.m5.large", "ml.c5.xlarge")),
    ],
)
def test_students_instance_types_are_a_list(given: object, types: tuple[str, ...]) -> None:
    """In cdk.json a list, on the command line a text with commas."""
    assert read({"lab": {"seat_instance_types": given}}).seat_instance_types == types


@pytest.mark.parametrize(
    ("lab", "rule"),
    [
        ({"algorithm": "forest"}, "must be 'keras', 'xgboost', 'linear-learner', 'kmeans' or 'knn'"),
        ({"algorithm": "factorization-machines"}, "the bricks are of ten kinds; it must be 'keras'"),
        ({"algorithm": "pca"}, "names no class; it must be 'keras'"),
        ({"features": "hidden"}, "lab.features = 'hidden': must be 'pixels' with lab.algorithm = 'keras'"),
        ({"algorithm": "knn", "hosting": "serverless"}, "must be 'real-time' with lab.algorithm = 'knn'"),
        ({"algorithm": "knn", "hosting": "async"}, "lab.hosting = 'async': must be 'real-time' with lab.algorithm"),
        ({"algorithm": "knn", "backend": "jax"}, "lab.backend = 'jax': must be 'tensorflow' with lab.algorithm"),
        ({"algorithm": "knn", "loop": "custom"}, "lab.loop = 'custom': must be 'fit' with lab.algorithm = 'knn'"),
        ({"algorithm": "knn", "training_instance_count": 2}, "lab.training_instance_count = 2: must be 1 with"),
    ],
)
def test_an_algorithm_that_can_t_be_is_one_sentence(lab: dict[str, Any], rule: str) -> None:
    """What it cannot sort, serve or train is named with the reason, before anything is made."""
    said = message(**lab).splitlines()
    assert len(said) == 3
    assert rule in said[1]


def test_a_hidden_layer_is_the_network_s() -> None:
    """The network's settings hold then, and the algorithm gets as many features as its last layer has units."""
    settings = read({"lab": {"algorithm": "knn", "features": "hidden", "backend": "jax", "hidden_units": "64,32"}})
    assert settings.algorithm_hyperparameters()["feature_dim"] == "32"
    assert read({"lab": {"algorithm": "xgboost", "seed": 7}}).algorithm_hyperparameters()["seed"] == "7"


def test_one_hidden_layer_may_be_a_number() -> None:
    """JSON's 128 and the text "128" are the same hidden layer; spaces do not make another one."""
    assert read({"lab": {"hidden_units": 128}}).hidden_units == "128"
    assert read({"lab": {"hidden_units": "256, 128"}}).hidden_units == "256,128"


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("name", "Lab", "lower-case letters"),
        ("name", "lab-", "not end with a hyphen"),
        ("name", "a--b", "single hyphens"),
        ("name", "x" * 33, "at most 32 characters"),
        ("name", "ssm-lab", 'must not begin with "aws" or "ssm"'),
        ("owner", " ana", "for it becomes a tag"),
        ("lease", "8x", "must be a duration such as"),
        ("lease", "0h", "must be a duration such as"),
        ("lease", 8, "must be a duration such as"),
        ("lease", "400d", "must be at most 365 days"),
        ("lease", "9" * 20 + "d", "must be at most 365 days"),
        ("lease", "2026-12-01T18:00", "must say its time zone"),
        ("lease", "2026-12-01", "must say its time zone"),
        ("budget", -1, "must be greater than or equal to 0"),
        ("notify", "ana", "must be e-mail addresses"),
        ("data", "/nowhere", "must be a folder with the lab's four files"),
        ("seats", 101, "must be between 0 and 100"),
        ("seats", "-1", "must be between 0 and 100"),
        ("seats", True, "must be a number of seats, a list of names, or a roster file"),
        ("seats", "3.5", "'3.5' is no whole number of seats, and no name"),
        ("seats", [3.5, "Ada"], "'3.5' is no whole number of seats, and no name"),
        ("seats", "1e3", "'1e3' is no whole number of seats, and no name"),
        ("seats", "+3", "'+3' is no whole number of seats, and no name"),
        ("seats", "none.csv", "must be a CSV file that can be read"),
        ("seats", "ada,ada", "both make the seat ada"),
        ("seats", "x" * 31, "shorten it to at most 30"),
        ("seat_instance_types", "", "must have at least 1 item"),
        ("seat_instance_types", "ml.m5.huge", "did you mean ml.m5.large?"),
        ("seat_instance_types", "ml.c7g.large", "must have x86 processors"),
        ("idle_minutes", -1, "must be greater than or equal to 0"),
        ("deploy_concurrency", 0, "must be greater than or equal to 1"),
        ("training_instance_type", "ml.m5.larg", "did you mean ml.m5.large?"),
        ("training_instance_type", "ml.t2.medium", "must be an instance type that SageMaker has for this"),
        ("training_instance_type", "ml.trn1.2xlarge", "must have x86 processors"),
        ("endpoint_instance_type", "ml.c7g.large", "must have x86 processors"),
        ("notebook_instance_type", "t3.medium", "did you mean ml.t3.medium?"),
        ("epochs", 0, "must be greater than or equal to 1"),
        ("epochs", "many", "must be a valid integer"),
        ("epochs", "1.5", "must be a valid integer"),
        ("batch_size", 0, "must be greater than or equal to 1"),
        ("learning_rate", 0, "must be greater than 0"),
        ("learning_rate", "nan", "must be a finite number"),
        ("hidden_units", "128,", "one whole number of units for each hidden layer"),
        ("hidden_units", "0", "one whole number of units for each hidden layer"),
        ("seed", -1, "must be greater than or equal to 0"),
        ("seed", 2**32, "must be less than 4294967296"),
        ("loop", "Custom", "must be 'fit' or 'custom'"),
        ("loop", "", "must be 'fit' or 'custom'"),
        ("backend", "pytorch", "must be 'tensorflow', 'jax' or 'torch'"),
        ("training_instance_count", 0, "must be greater than or equal to 1"),
        ("training_instance_count", 9, "must be less than or equal to 8"),
        ("spot", "sometimes", "must be a valid boolean"),
        ("max_run", 0, "must be between 1 and 2700 seconds"),
        ("max_run", LONGEST_RUN + 1, "CloudFormation waits one hour"),
        ("capture_percentage", 101, "must be less than or equal to 100"),
        ("log_retention_days", 6, "must be one of 1, 3, 5, 7"),
        ("epoch", 3, "there is no such setting; did you mean epochs?"),
        ("xyzzy", "red", "there is no such setting; there are algorithm, approval, backend, "),
    ],
)
def test_a_problem_names_key_value_and_rule(key: str, value: object, rule: str) -> None:
    """A wrong setting is named with what it is and what it must be."""
    said = message(**{key: value})
    assert "have 1 problem:" in said
    assert f"lab.{key}" in said
    assert rule in said
    if "no such setting" not in rule:
        assert repr(value)[:100] in said


@pytest.mark.parametrize(
    ("written", "end"),
    [
        ("8h", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("1d1h30m", datetime(2026, 12, 2, 1, 30, tzinfo=UTC)),
        ("2026-12-01T18:00Z", datetime(2026, 12, 1, 18, tzinfo=UTC)),
        ("2026-12-01T18:00+01:00", datetime(2026, 12, 1, 17, tzinfo=UTC)),
    ],
)
def test_a_lease_is_a_duration_or_a_time(written: str, end: datetime) -> None:
    """A duration counts from the deployment; a time is taken as it is, in whatever zone it says."""
    lease = read({"lab": {"lease": written}}).lease
    assert lease is not None
    assert lease.end(datetime(2026, 12, 1, tzinfo=UTC)) == end


def test_no_lease_is_the_default() -> None:
    """Neither "" nor null ends a lab."""
    assert read({"lab": {}}).lease is None
    assert read({"lab": {"lease": ""}}).lease is None
    assert read({"lab": {"lease": None}}).lease is None


def test_a_lease_outlasts_the_training_job() -> None:
    """One that is shorter than lab.max_run is refused, and the sentence names both."""
    said = message(lease="10m", max_run=900)
    assert "lab.lease = '10m'" in said
    assert "lab.max_run (900 s)" in said


def test_all_problems_come_at_once() -> None:
    """Three mistakes are one message, so nobody corrects them one deployment at a time."""
    said = message(epochs=0, seats="Ada,ada", colour="red")
    assert "have 3 problems:" in said
    assert all(f"lab.{key}" in said for key in ("epochs", "seats", "colour"))
    assert said.endswith('Correct them in cdk.json under context "lab", or with -c lab.KEY=VALUE.')


def test_data_needs_all_four_files(data_folder: Path, tmp_path: Path) -> None:
    """A team's folder is taken when it is whole; else the message names what is missing."""
    assert read({"lab": {"data": str(data_folder)}}).data == str(data_folder)
    (tmp_path / "lego-simple-train-images.npy").touch()
    said = message(data=str(tmp_path))
    assert "lego-simple-test-labels.npy" in said
    assert "lego-simple-train-images.npy" not in said


def test_lab_must_be_an_object() -> None:
    """`-c lab=x` replaces all settings by a text, which is none."""
    with pytest.raises(SettingsError, match="must be an object"):
        read({"lab": "x"})


def test_a_long_value_is_not_repeated_whole() -> None:
    """Of a value of 1,000 characters the message shows the beginning."""
    assert len(message(hidden_units="x" * 1000)) < 400


def test_a_student_s_names_have_room() -> None:
    """What a student makes begins with lab and seat, and SageMaker's names have 63 characters."""
    said = message(name="l" * 20, seats=["s" * 21, "t" * 20])
    assert "have 1 problem:" in said
    assert f"{'s' * 21!r} and the lab's name have 41 characters together; at most 40" in said


def test_settings_are_frozen() -> None:
    """Nobody changes a setting after it has been checked."""
    with pytest.raises(ValueError, match="frozen"):
        read({}).epochs = 3


@pytest.mark.parametrize(
    ("instance_type", "local"),
    [
        ("ml.m5.large", False),
        ("ml.m5d.large", True),
        ("ml.g4dn.xlarge", True),
        ("ml.g5.xlarge", True),
        ("ml.p3.2xlarge", False),
        ("ml.p4d.24xlarge", True),
        ("ml.c7i.large", False),
    ],
)
def test_local_storage_is_known(instance_type: str, local: bool) -> None:  # noqa: FBT001 - a table's column
    """SageMaker refuses a volume key where disks are local, so these are told apart."""
    assert has_local_storage(instance_type) is local


@pytest.mark.parametrize(
    ("instance_type", "count"), [("ml.m5.large", 2), ("ml.t2.medium", 2), ("ml.c5.xlarge", 4), ("ml.m5.4xlarge", 16)]
)
def test_virtual_cpus_follow_from_the_size(instance_type: str, count: int) -> None:
    """The size's name says how many there are."""
    assert virtual_cpus(instance_type) == count


def test_a_notebook_s_platform_is_one_that_instances_are_made_of() -> None:
    """Amazon Linux 2 is at its end; the newest is not the default before AWS's own is."""
    assert read({}).notebook_platform == "notebook-al2023-v1"
    assert read({"lab": {"notebook_platform": "notebook-al2023-v2"}}).notebook_platform == "notebook-al2023-v2"
    said = message(notebook_platform="notebook-al2-v3")
    assert "lab.notebook_platform = 'notebook-al2-v3': must be 'notebook-al2023-v1' or 'notebook-al2023-v2'" in said
