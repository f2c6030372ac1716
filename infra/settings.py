"""The lab's settings: context key "lab" of cdk.json, overridden one by one by `-c lab.KEY=VALUE`.

`read` is the one door. It imports nothing of the CDK, so that command line tools can use it too.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args

from botocore.loaders import Loader
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from infra import algorithms
from infra.instance_range import InstanceRange
from infra.instance_range import parse as parse_instances
from infra.lease_term import LeaseTerm
from infra.lease_term import parse as parse_lease
from infra.rollout import ALL_AT_ONCE, Rollout
from infra.rollout import parse as parse_rollout
from infra.seats import Seat
from infra.seats import parse as parse_seats
from model_code import hyperparameters as hp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic_core import ErrorDetails

DATA_FILES = tuple(f"lego-simple-{split}-{kind}.npy" for split in ("train", "test") for kind in ("images", "labels"))

# CloudFormation waits one hour for a custom resource. What a job may take has to fit into it: the new role's way
# through IAM, then the job from its creation to its deadline, then its stopping, and a minute or two to spare.
HOUR = 3600
# From the job's creation on, whatever it does or waits for. SageMaker has no such limit: MaxRuntimeInSeconds does not
# count the wait for an instance, and MaxPendingTimeInSeconds means nothing for CPU types (botocore, StoppingCondition).
JOB_SECONDS = 3180
ROLE_SECONDS = 120  # for a new role's way through IAM, before there is a job
STOP_SECONDS = 120  # between StopTrainingJob's SIGTERM and the job's end
START_SECONDS = 480  # what is left for an instance and the container's download if a job runs as long as it may
LONGEST_RUN = JOB_SECONDS - START_SECONDS

# SageMaker's own pattern for names, in the lower case that S3 wants. 32 characters keep `<lab>-<8>-<16>-<attempt>`
# within SageMaker's 63; a lab and a seat together leave a student's `<lab>-<seat>-…` a name like bricks-20261124093000.
_NAME = re.compile(r"[a-z](-?[a-z0-9])*")
_LAB_NAME_LENGTH = 32
_LAB_AND_SEAT_LENGTH = 40

_SHOWN = 100  # characters of a value in a message about it

# What a tag's value may hold, without spaces around it. Source: CloudFormation's and SageMaker's "Tag".
_OWNER = re.compile(r"[\w.:/=+@-]([\w.:/=+@ -]{0,126}[\w.:/=+@-])?")
# Enough to be sure that it is one; the confirmation that SNS sends proves the rest.
_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")

# Source: CloudWatch Logs, PutRetentionPolicy.
_RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288)

# How the endpoint is hosted: on instances that wait for requests, on none until there are some, or with a queue in S3.
Hosting = Literal["real-time", "serverless", "async"]
HOSTINGS: tuple[Hosting, ...] = get_args(Hosting)
# How often the lab looks for drift. New customers of AWS's don't get what does it: see infra/constructs/monitor.py.
Monitoring = Literal["off", "hourly", "daily"]

# With what people label together: new customers of AWS's don't get it, see infra/constructs/ground_truth.py.
Labelling = Literal["off", "ground-truth"]

# Source: botocore, ProductionVariantServerlessConfig.
SERVERLESS_MEMORY = (1024, 2048, 3072, 4096, 5120, 6144)

# Where the trained model serves beside the endpoint: in a Lambda function with a URL, by a REST API, as a Greengrass
# component on devices, in a web page.
ServeAlso = Literal["lambda", "rest", "edge", "web"]

# botocore's names for the three lists of instance types.
_Use = Literal["TrainingInstanceType", "ProductionVariantInstanceType", "InstanceType"]

# Arm processors (a "g" right after the generation: m6g, c7gn, g5g; Grace: p6e-gb200), and the accelerators Trainium,
# Inferentia and Gaudi: their containers are others than the x86 TensorFlow images that the lab takes.
_OTHER_IMAGE = re.compile(r"ml\.([a-z]+\d+g[a-z]*|p\d+e-gb\d+|trn\d+[a-z]*|inf\d+|dl\d+)\.")

# The EC2 families with instance store volumes: a "d" after the generation (m5d, g4dn, p4de), and those named here.
# Source: EC2's user guide, "Instance store volumes", to which botocore's ResourceConfig.VolumeKmsKeyId points for the
# types that take no such key.
_LOCAL_STORAGE = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g[5-7][a-z]*|gr6|p[56][-a-z0-9]*|i\d+[a-z]*)\.")

# How the algorithms of AWS get their bricks: each pixel, or what the network's last hidden layer makes of them.
Features = Literal["pixels", "hidden"]
PIXELS: Features = "pixels"

# Source: what Application Auto Scaling says who registers a variant with ml.t2.medium.
_BURSTABLE = re.compile(r"ml\.t\d")


# What names of retraining have after the lab's: a student's may begin with the lab's and the seat's.
_OF_RETRAINING = frozenset({"retrain", "retraining", "model"})
_OF_ALARMS = "alarm"  # the same, of lab.dashboard


class SettingsError(Exception):
    """Every problem of the settings in one message that names key, value and rule."""


def _name(value: str, longest: int) -> str:
    if not _NAME.fullmatch(value) or len(value) > longest:
        raise ValueError(
            "must be lower-case letters, digits and single hyphens, begin with a letter, not end with a hyphen, "
            f"and have at most {longest} characters"
        )
    return value


def _lab_name(value: str) -> str:
    if value.startswith(("aws", "ssm")):  # Source: Systems Manager, PutParameter
        raise ValueError('must not begin with "aws" or "ssm": Parameter Store refuses such names')
    return _name(value, _LAB_NAME_LENGTH)


def _listed(value: object) -> object:
    """Split a text at its commas; leave a list as it is."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({each for each in value if value.count(each) > 1})
    if twice:
        raise ValueError(f"must have each once; {', '.join(map(repr, twice))} is there twice")
    return value


def _data_folder(value: str) -> str:
    missing = [name for name in DATA_FILES if value and not (Path(value) / name).is_file()]
    if missing:
        raise ValueError(f"must be a folder with the lab's four files; {', '.join(missing)} not found in it")
    return value


def _photos_folder(value: str) -> str:
    """Refuse what the job that prepares photos would refuse after minutes; it says what is wrong with single photos."""
    if not value:
        return value
    from model_code.data import LABELS, class_of_folder

    rule = "must be a folder with one folder of photos for each class"
    found = set()
    for folder in sorted(each for each in Path(value).glob("[!.]*") if each.is_dir() and _has_files(each)):
        try:
            found.add(class_of_folder(folder.name))
        except ValueError as advice:
            raise ValueError(f"{rule}, and {folder.name} is no class's: {str(advice).rstrip('.')}") from None
    if not found:
        raise ValueError(rule)
    if missing := [name for number, name in enumerate(LABELS) if number not in found]:
        raise ValueError(f"{rule}; there is no photo of {', '.join(missing)}")
    return value


def _has_files(folder: Path) -> bool:
    """Return whether there is a file in it that is not hidden, however deep."""
    below = (each.relative_to(folder) for each in folder.rglob("*") if each.is_file())
    return any(not any(part.startswith(".") for part in each.parts) for each in below)


def _owner(value: str) -> str:
    if value and not _OWNER.fullmatch(value):
        raise ValueError("must be 1 to 128 letters, digits, spaces and . : / = + @ - _, for it becomes a tag")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("must be e-mail addresses, such as ana@example.org")
    return value


def _hidden_units(value: str) -> str:
    try:
        widths = hp.HIDDEN_UNITS.parse("hidden_units", value)
    except ValueError:
        raise ValueError(
            'must be one whole number of units for each hidden layer, such as "128" or "256,128"'
        ) from None
    return ",".join(map(str, widths))


def _one_of(choices: Sequence[str]) -> AfterValidator:
    """Return the check that a text is one of these choices."""

    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be {_either(map(repr, choices))}")
        return value

    return AfterValidator(check)


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}"


def _algorithm(value: str) -> str:
    choices = [algorithms.KERAS, *algorithms.BUILT_IN]
    if value not in choices:
        why = f"{reason}; it " if (reason := algorithms.UNFIT.get(value)) else ""
        raise ValueError(f"{why}must be {_either(map(repr, choices))}")
    return value


def has_local_storage(instance_type: str) -> bool:
    """Return whether SageMaker would refuse a volume key: local NVMe disks are encrypted by their hardware."""
    return bool(_LOCAL_STORAGE.match(instance_type))


def virtual_cpus(instance_type: str) -> int:
    """Return how many an x86 instance type has: 2 up to `large`, 4 an `xlarge`. c4.8xlarge has 36, counted as 32."""
    count = re.search(r"\.(\d*)xlarge$", instance_type)
    return 4 * int(count[1] or 1) if count else 2


@cache
def _sagemaker_shapes() -> dict[str, dict[str, list[str]]]:
    """Return SageMaker's service description alone: 0.1 s, where a botocore session takes 0.3 s."""
    shapes: dict[str, dict[str, list[str]]] = Loader().load_service_model("sagemaker", "service-2")["shapes"]
    return shapes


def _instance_type(*uses: _Use) -> AfterValidator:
    """Return the check of an instance type for one of these uses."""

    def check(value: str) -> str:
        known = [each for use in uses for each in _sagemaker_shapes()[use]["enum"]]
        if value not in known:
            raise ValueError(f"must be an instance type that SageMaker has for this{_nearest(value, known)}")
        if "InstanceType" not in uses and _OTHER_IMAGE.match(value):
            raise ValueError(
                "must have x86 processors: the lab's containers do not run on Arm, Trainium, Inferentia or Gaudi"
            )
        return value

    return AfterValidator(check)


_STUDENTS_TYPE = Annotated[str, _instance_type("TrainingInstanceType", "ProductionVariantInstanceType")]


def _retention(value: int) -> int:
    if value not in _RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, _RETENTION_DAYS))}, as CloudWatch Logs has it")
    return value


def _max_run(value: int) -> int:
    if not 1 <= value <= LONGEST_RUN:
        raise ValueError(
            f"must be between 1 and {LONGEST_RUN} seconds: a job has to end within {JOB_SECONDS} s, of which "
            f"{START_SECONDS} s are for its start, for CloudFormation waits one hour"
        )
    return value


def _memory(value: int) -> int:
    if value not in SERVERLESS_MEMORY:
        raise ValueError(f"must be {_either(map(str, SERVERLESS_MEMORY))} MB, as SageMaker has it")
    return value


class Settings(BaseModel):
    """One lab's settings. Frozen, and valid when it exists."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )

    name: Annotated[str, AfterValidator(_lab_name)] = "bricklab"
    owner: Annotated[str, AfterValidator(_owner)] = ""
    lease: Annotated[LeaseTerm | None, BeforeValidator(parse_lease)] = None
    budget: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    notify: Annotated[tuple[Annotated[str, AfterValidator(_address)], ...], BeforeValidator(_listed)] = ()
    data: Annotated[str, AfterValidator(_data_folder)] = ""
    photos: Annotated[str, AfterValidator(_photos_folder)] = ""
    seats: Annotated[tuple[Seat, ...], BeforeValidator(parse_seats)] = parse_seats(1)
    seat_instance_types: Annotated[tuple[_STUDENTS_TYPE, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "ml.m5.large",
    )
    idle_minutes: Annotated[int, Field(ge=0, le=1440)] = 60
    deploy_concurrency: Annotated[int, Field(ge=1, le=50)] = 20
    algorithm: Annotated[str, AfterValidator(_algorithm)] = algorithms.KERAS
    features: Features = PIXELS
    training_instance_type: Annotated[str, _instance_type("TrainingInstanceType")] = "ml.m5.large"
    endpoint_instance_type: Annotated[str, _instance_type("ProductionVariantInstanceType")] = "ml.m5.large"
    endpoint_instances: Annotated[InstanceRange, BeforeValidator(parse_instances)] = parse_instances(1)
    hosting: Hosting = "real-time"
    # The SageMaker SDK's own (ServerlessInferenceConfig).
    serverless_memory: Annotated[int, AfterValidator(_memory)] = 2048
    serverless_concurrency: Annotated[int, Field(ge=1, le=200)] = 5
    retraining: bool = False
    approval: Literal["manual", "automatic"] = "manual"
    gate: Annotated[float, Field(ge=0, le=1)] = 0
    gate_per_class: Annotated[float, Field(ge=0, le=1)] = 0.05
    rollout: Annotated[Rollout, BeforeValidator(parse_rollout)] = parse_rollout(ALL_AT_ONCE)
    serve_also: Annotated[tuple[ServeAlso, ...], BeforeValidator(_listed), AfterValidator(_each_once)] = ()
    # Requests a second of the REST API's usage plan. An account's quota is 10,000 (API Gateway's guide, its quotas).
    rest_rate: Annotated[int, Field(ge=1, le=10_000)] = 50
    notebook_instance_type: Annotated[str, _instance_type("InstanceType")] = "ml.t3.medium"
    # Those that SageMaker still makes instances of (botocore 1.44.8): Amazon Linux 2 had its end in June 2026.
    notebook_platform: Literal["notebook-al2023-v1", "notebook-al2023-v2"] = "notebook-al2023-v1"
    epochs: Annotated[int, Field(ge=hp.EPOCHS.lowest, le=hp.EPOCHS.highest)] = hp.EPOCHS.default
    batch_size: Annotated[int, Field(ge=hp.BATCH_SIZE.lowest, le=hp.BATCH_SIZE.highest)] = hp.BATCH_SIZE.default
    learning_rate: Annotated[float, Field(gt=hp.LEARNING_RATE.above, le=hp.LEARNING_RATE.highest)] = (
        hp.LEARNING_RATE.default
    )
    hidden_units: Annotated[str, AfterValidator(_hidden_units)] = hp.HIDDEN_UNITS.default
    seed: Annotated[int, Field(ge=hp.SEED.lowest, lt=hp.SEED.highest + 1)] = hp.SEED.default
    loop: Annotated[str, _one_of(hp.LOOP.choices)] = hp.LOOP.default
    backend: Annotated[str, _one_of(hp.BACKEND.choices)] = hp.BACKEND.default
    training_instance_count: Annotated[int, Field(ge=1, le=8)] = 1
    spot: bool = False
    max_run: Annotated[int, AfterValidator(_max_run)] = 900
    capture_percentage: Annotated[int, Field(ge=0, le=100)] = 100
    monitor: Monitoring = "off"
    dashboard: bool = True
    labelling: Labelling = "off"
    log_retention_days: Annotated[int, AfterValidator(_retention)] = 7

    @model_validator(mode="after")
    def _leave_students_a_name(self) -> Self:
        for seat in self.seats:
            together = len(self.name) + len(seat.name)
            if together > _LAB_AND_SEAT_LENGTH:
                raise ValueError(
                    f"lab.seats: {seat} and the lab's name have {together} characters together; at most "
                    f"{_LAB_AND_SEAT_LENGTH}, for SageMaker's names have 63 and what a student makes begins with both"
                )
        return self

    @model_validator(mode="after")
    def _leave_the_endpoint_its_name(self) -> Self:
        for seat in self.seats:
            if seat.name in HOSTINGS[1:]:
                raise ValueError(
                    f"lab.seats: {seat} can't be a seat's name, for with lab.hosting = {seat.name!r} the lab's "
                    f"endpoint is called {self.name}-{seat.name}"
                )
            if self.retraining and seat.name in _OF_RETRAINING:
                raise ValueError(
                    f"lab.seats: {seat} can't be a seat's name with lab.retraining, whose jobs and state machines are "
                    f"called {self.name}-{seat.name}…"
                )
            if self.dashboard and seat.name == _OF_ALARMS:
                raise ValueError(
                    f"lab.seats: {seat} can't be a seat's name with lab.dashboard, whose alarms are called "
                    f"{self.name}-{seat.name}-…"
                )
        return self

    @model_validator(mode="after")
    def _roll_out_to_instances(self) -> Self:
        if self.hosting == "serverless" and str(self.rollout) != ALL_AT_ONCE:
            raise ValueError(
                f"lab.rollout = {str(self.rollout)!r}: must be 'all-at-once' with lab.hosting = 'serverless'; "
                "SageMaker has deployment guardrails for instances only"
            )
        return self

    @model_validator(mode="after")
    def _scale_what_can_be_scaled(self) -> Self:
        given = f"lab.endpoint_instances = {str(self.endpoint_instances)!r}"
        if self.hosting == "serverless" and str(self.endpoint_instances) != "1":
            raise ValueError(f"{given}: must be 1 with lab.hosting = 'serverless', which has no instances")
        if self.endpoint_instances.is_scaled and self.hosting != "real-time":
            raise ValueError(
                f"{given}: must be one number with lab.hosting = {self.hosting!r}; it is not scaled by load"
            )
        if self.endpoint_instances.is_scaled and _BURSTABLE.match(self.endpoint_instance_type):
            raise ValueError(
                f"{given}: must be one number with lab.endpoint_instance_type = {self.endpoint_instance_type!r}, for "
                "Application Auto Scaling refuses burstable instances; choose another type, such as ml.m5.large"
            )
        return self

    @model_validator(mode="after")
    def _monitor_what_is_captured(self) -> Self:
        if self.monitor == "off":
            return self
        chosen = f"lab.monitor = {self.monitor!r}"
        if self.hosting != "real-time":
            raise ValueError(
                f"{chosen}: must be 'off' with lab.hosting = {self.hosting!r}, of which nothing is captured"
            )
        if self.algorithm != algorithms.KERAS:
            raise ValueError(
                f"{chosen}: must be 'off' with lab.algorithm = {self.algorithm!r}; the monitor compares answers of the "
                "Keras network"
            )
        if not self.capture_percentage:
            raise ValueError(f"{chosen}: must be 'off' with lab.capture_percentage = 0, for then nothing is captured")
        return self

    @model_validator(mode="after")
    def _answer_at_once(self) -> Self:
        if "rest" in self.serve_also and self.hosting == "async":
            raise ValueError(
                "lab.serve_also has 'rest': lab.hosting must not be 'async' then, for a REST API answers at once, and "
                "an asynchronous endpoint through S3"
            )
        return self

    @model_validator(mode="after")
    def _take_data_or_photos(self) -> Self:
        if self.data and self.photos:
            raise ValueError('lab.data and lab.photos: the lab learns from one of them; set the other to ""')
        return self

    @model_validator(mode="after")
    def _let_the_training_end(self) -> Self:
        length = self.lease.duration if self.lease else None
        if length and length.total_seconds() <= self.max_run:
            raise ValueError(
                f"lab.lease = {str(self.lease)!r}: must be longer than lab.max_run ({self.max_run} s), or the lab ends "
                "before its training job may"
            )
        return self

    @model_validator(mode="after")
    def _train_with_what_goes_together(self) -> Self:
        hosts = self.training_instance_count
        if self.backend != "tensorflow" and self.loop != "fit":
            raise ValueError(
                f"lab.loop = {self.loop!r}: must be 'fit' with lab.backend = {self.backend!r}; the loop written out is "
                "TensorFlow's"
            )
        if self.backend != "tensorflow" and hosts > 1:
            raise ValueError(
                f"lab.training_instance_count = {hosts}: must be 1 with lab.backend = {self.backend!r}; only "
                "TensorFlow trains on several instances here"
            )
        if self.batch_size < hosts:
            raise ValueError(
                f"lab.batch_size = {self.batch_size}: must be at least lab.training_instance_count ({hosts}), for each "
                "instance takes its share of every batch"
            )
        return self

    @model_validator(mode="after")
    def _train_what_the_algorithm_needs(self) -> Self:
        chosen = f"lab.algorithm = {self.algorithm!r}"
        if self.retraining and self.algorithm != algorithms.KERAS:
            raise ValueError(
                f"lab.retraining = True: must be false with {chosen}, for what compares a candidate with the model "
                f"that serves asks Keras networks; choose lab.algorithm = {algorithms.KERAS!r}"
            )
        if self.algorithm == algorithms.KERAS:
            if self.features != PIXELS:
                raise ValueError(
                    f"lab.features = {self.features!r}: must be {PIXELS!r} with {chosen}, for the network finds its "
                    f"features by itself; choose one of AWS's algorithms too ({', '.join(algorithms.BUILT_IN)})"
                )
            return self
        # Sources: SageMaker's guide, "Serverless Inference", "Feature exclusions", and "Inference pipelines", which
        # has them for real-time endpoints and batch transforms; none says that an asynchronous one takes them.
        if self.hosting != "real-time":
            raise ValueError(
                f"lab.hosting = {self.hosting!r}: must be 'real-time' with {chosen}; its endpoint is an inference "
                "pipeline, which SageMaker has for real-time endpoints"
            )
        if self.serve_also:
            raise ValueError(
                f"lab.serve_also = {list(self.serve_also)!r}: must be empty with {chosen}, for only the Keras network "
                "is exported for other places; choose algorithm 'keras'"
            )
        for key in () if self.trains_network else ("loop", "backend", "training_instance_count"):
            default = type(self).model_fields[key].default
            if (given := getattr(self, key)) != default:
                raise ValueError(
                    f"lab.{key} = {given!r}: must be {default!r} with {chosen} on pixels, for it is of the Keras "
                    "network, and none is trained; set lab.features to 'hidden', or leave it out"
                )
        return self

    @property
    def trains_network(self) -> bool:
        """Return whether the Keras network is trained: to be served, or for its hidden layer."""
        return self.algorithm == algorithms.KERAS or self.features == "hidden"

    @property
    def feature_count(self) -> int:
        """Return how many numbers an algorithm of AWS's gets of each image."""
        return algorithms.PIXELS if self.features == PIXELS else int(self.hidden_units.rpartition(",")[2])

    def algorithm_hyperparameters(self) -> dict[str, str]:
        """Return what the algorithm of AWS's is given. Raises KeyError for Keras."""
        chosen = algorithms.BUILT_IN[self.algorithm]
        ours = {name: str(getattr(self, setting)) for name, setting in chosen.of_settings.items()}
        return {**chosen.hyperparameters, **ours}

    def hyperparameters(self) -> dict[str, str]:
        """Return what train.py is given, as the strings that SageMaker passes on.

        Without train.py's defaults of `loop` and `backend`: a job is the same as before when these are, and jobs from
        before these settings had none.
        """
        later = [key for key in ("loop", "backend") if getattr(self, key) != type(self).model_fields[key].default]
        keys = ("epochs", "batch_size", "learning_rate", "hidden_units", "seed", *later)
        return {key: str(getattr(self, key)) for key in keys}


def read(context: Mapping[str, Any]) -> Settings:
    """Return the settings in a CDK context: its mapping "lab", then each "lab.KEY" over it.

    Raises SettingsError with every problem at once.
    """
    lab = context.get("lab", {})
    if not isinstance(lab, dict):
        raise SettingsError(f'The context key "lab" is {lab!r}; it must be an object with the lab\'s settings.')
    overrides = {key.removeprefix("lab."): value for key, value in context.items() if key.startswith("lab.")}
    try:
        return Settings.model_validate({**lab, **overrides})
    except ValidationError as error:
        problems = [_sentence(problem) for problem in error.errors(include_url=False)]
    heading = f"The lab's settings have {len(problems)} problem{'s' * (len(problems) > 1)}:"
    advice = 'Correct them in cdk.json under context "lab", or with -c lab.KEY=VALUE.'
    raise SettingsError("\n  ".join([heading, *problems]) + f"\n{advice}")


def _sentence(problem: ErrorDetails) -> str:
    if not problem["loc"]:  # it is about several settings, and names them itself
        return problem["msg"].removeprefix("Value error, ")
    key = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"lab.{key}: there is no such setting{_nearest(key, Settings.model_fields)}"
    rule = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    rule = rule.replace("Value should have", "must have")
    given = repr(problem["input"])
    return f"lab.{key} = {given if len(given) <= _SHOWN else f'{given[:_SHOWN]}…'}: {rule}"


def _nearest(word: str, known: Any) -> str:
    near = get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(set(known))[:15])}"
