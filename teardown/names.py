"""Every name that a lab makes, and the keys of its tags: by these its resources are told from anybody else's.

Glue's databases are the exception to the hyphens, for Athena takes none in a database's name.
"""

from __future__ import annotations

LAB_TAG = "bricklab:lab"
SEAT_TAG = "bricklab:seat"
OWNER_TAG = "bricklab:owner"

METRICS = "Bricklab"
"""The namespace of the metrics that a lab itself puts into CloudWatch."""

REGISTERED_BY = "retraining"  # the metadata RegisteredBy of versions that serve once they are approved

REAL_TIME = "real-time"  # the hosting, of those of the setting lab.hosting, that an endpoint has if nothing is said

_SEAT_STACK = "-seat-"


def prefix(lab: str, seat: str = "") -> str:
    """Return what all begins with that is made in the lab, or by a seat's student."""
    return f"{lab}-{seat}-" if seat else f"{lab}-"


def any_of(lab: str, seat: str = "") -> str:
    """Return the pattern, in IAM's notation, of all names that begin with the prefix."""
    return f"{prefix(lab, seat)}*"


# CloudFormation's stacks.


def operations_stack(lab: str) -> str:
    """Return the name of the stack with the lease, which ends the others and is the last to go."""
    return f"{lab}-operations"


def storage_stack(lab: str) -> str:
    """Return the name of the stack with key and bucket, which all but the operations stack read from."""
    return f"{lab}-storage"


def training_stack(lab: str) -> str:
    """Return the name of the stack with the training job."""
    return f"{lab}-training"


def endpoint_stack(lab: str) -> str:
    """Return the name of the stack with the endpoint."""
    return f"{lab}-endpoint"


def retraining_stack(lab: str) -> str:
    """Return the name of the stack with what trains the model anew by itself."""
    return f"{lab}-retraining"


def seat_stack(lab: str, seat: str) -> str:
    """Return the name of a seat's stack."""
    return f"{lab}{_SEAT_STACK}{seat}"


def core_stacks(lab: str) -> tuple[str, ...]:
    """Return the names of the stacks that a lab may have, seats aside."""
    return operations_stack(lab), storage_stack(lab), training_stack(lab), endpoint_stack(lab), retraining_stack(lab)


def is_seat_stack(name: str) -> bool:
    """Return whether a stack of a lab is a seat's."""
    return _SEAT_STACK in name


def seat_of_stack(name: str) -> str:
    """Return the seat whose stack has this name, "" if it is another stack."""
    return name.partition(_SEAT_STACK)[2]


# SageMaker's resources.


def endpoint(lab: str, hosting: str = REAL_TIME) -> str:
    """Return the name of the lab's endpoint.

    Each hosting has its own, for no update leads from one to another: SageMaker refuses that of an endpoint with
    instances to serverless, and does not roll the other way back (its guide, "Serverless Inference", "Feature
    exclusions"). So CloudFormation makes the one before it deletes the other.
    """
    return lab if hosting == REAL_TIME else f"{lab}-{hosting}"


def model_function(lab: str) -> str:
    """Return the name of the Lambda function that answers as the endpoint does."""
    return f"{lab}-model"


def edge_component(lab: str) -> str:
    """Return the name of the Greengrass component that answers on devices as the endpoint does."""
    return f"{lab}-model"


def rollout_alarm(lab: str, of: str) -> str:
    """Return the name of the alarm on "errors" or "latency" that rolls an update of the endpoint back."""
    return f"{lab}-rollout-{of}"


def drift_schedule(lab: str) -> str:
    """Return the name of the monitoring schedule that looks for drift."""
    return f"{lab}-drift"


def drift_alarm(lab: str) -> str:
    """Return the name of the alarm on drift."""
    return f"{lab}-drift"


def alarm(lab: str, of: str) -> str:
    """Return the name of an alarm of the setting lab.dashboard, such as that on "failed" requests.

    A seat that was called "alarm" might change it.
    """
    return f"{prefix(lab)}alarm-{of}"


def dashboard(lab: str, region: str) -> str:
    """Return the name of the lab's dashboard: an account has one of a name for all its regions."""
    return f"{prefix(lab)}{region}"


def labelers(lab: str) -> str:
    """Return the name of the lab's workforce, of its work team, and of the user pool and the group of both."""
    return f"{lab}-labelers"


def async_topic(lab: str, of: str) -> str:
    """Return the name of the topic that hears of the endpoint's asynchronous answers: "success" or "error"."""
    return f"{lab}-async-{of}"


def endpoint_log_group(endpoint: str) -> str:
    """Return the log group that SageMaker makes for an endpoint, or for a pattern of endpoints.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html.
    """
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def notebook(lab: str, seat: str) -> str:
    """Return the name of a seat's notebook instance, and of its lifecycle configuration."""
    return f"{lab}-{seat}"


def rest_api(lab: str) -> str:
    """Return the name of the lab's REST API, and of the plan of how much may be asked of it."""
    return lab


def web_page(lab: str) -> str:
    """Return what the names begin with that CloudFront keeps for the lab's web page; they are unique in an account."""
    return f"{lab}-web"


def model_package_group(lab: str) -> str:
    """Return the name of the group of the model registry whose versions are the models that the lab has trained."""
    return lab


def tuning_prefix(lab: str) -> str:
    """Return what the names of the tuning jobs of `./lab tune` begin with, and their trials'."""
    return f"{prefix(lab)}tune-"


# Retraining.


def retraining(lab: str) -> str:
    """Return the name of the state machine that trains anew, compares, and registers what is good enough."""
    return f"{lab}-retraining"


def model_deployment(lab: str) -> str:
    """Return the name of the state machine that has the endpoint serve a version when it is approved."""
    return f"{lab}-model-deployment"


def retraining_prefix(lab: str) -> str:
    """Return what the names of a retraining's jobs begin with."""
    return f"{prefix(lab)}retrain-"


# S3's keys, in the lab's bucket.

RAW_PHOTOS = "raw/"  # photos that nobody has labelled
LABELLING_JOBS, LABELLING_ANSWERS = "labels/", "answers/"
"""The folder of labelling jobs, and the one of a job's answers."""


def labelling_answers(job: str, worker: str = "") -> str:
    """Return what the keys of a labelling job's answers begin with, or of one person's: a seat's student is its seat.

    `job` may be a pattern, in IAM's notation.
    """
    folder = f"{LABELLING_JOBS}{job}/{LABELLING_ANSWERS}"
    return f"{folder}{worker}/" if worker else folder


# The lease.


def notices_topic(lab: str) -> str:
    """Return the name of the topic that hears of the lab's lease and cost."""
    return f"{lab}-notices"


def lease(lab: str) -> str:
    """Return the physical id of the custom resource Custom::Lease."""
    return f"{lab}-lease"


def lease_end_schedule(lab: str) -> str:
    """Return the name of the schedule that ends the lab."""
    return f"{lease(lab)}-end"


def lease_warning_schedule(lab: str) -> str:
    """Return the name of the schedule that warns before the lab's end."""
    return f"{lease(lab)}-warning"


# Parameter Store's parameters.


def parameters(lab: str) -> str:
    """Return the path below which the lab's parameters are."""
    return f"/{lab}"


def model_artifact_parameter(lab: str) -> str:
    """Return the name of the parameter that says where the artifact of the trained model is."""
    return f"{parameters(lab)}/model-artifact"


def paused_parameters(lab: str) -> str:
    """Return the path of the parameters that keep what `./lab pause` has deleted or stopped."""
    return f"{parameters(lab)}/paused"


def teardown_parameters(lab: str) -> str:
    """Return the path of the parameters in which a teardown keeps names for when it is broken off."""
    return f"{parameters(lab)}/teardown"


def retraining_parameter(lab: str, of: str) -> str:
    """Return the name of a parameter of retraining.

    "run" is the execution whose turn it is, "again" is there if it is to be followed by another, "data" the hash of
    what was last trained with.
    """
    return f"{parameters(lab)}/retraining/{of}"


# Glue and Athena.


def database(lab: str, seat: str = "") -> str:
    """Return the name of the Glue database of the lab, or of a seat.

    Athena takes no hyphens in a database's name, and no name of ours has two in a row: so a database has underscores
    for them, and two between the lab and the seat, which no other pair of names comes to.
    """
    return "__".join(name.replace("-", "_") for name in (lab, seat) if name)


def workgroup(lab: str, seat: str = "") -> str:
    """Return the name of the Athena workgroup of the lab, or of a seat."""
    return f"{lab}-{seat}" if seat else lab
