"""The embedded SageMaker: what a request crosses, and where to find what.

A request of the control plane, such as CreateTrainingJob, crosses in this order:

- the gateway, which routes it here by its target or credential scope, and `service.SageMaker.handle`;
- `api` and `shapes`: is the operation supported, and is the request valid by the API's model;
- `authorization`: which IAM permissions it needs, if policies are enforced;
- `resource_types/`: the table of types; their `members` say what of the request is done, recorded or refused, and their
  preconditions in which statuses an operation is allowed;
- `quota_usage`: is there room in the account's quotas;
- `store`: the record that Describe and List (`listing`) read, kept in the database (`record_table`); each change of its
  state becomes an event (`events`);
- the type's provider (`provider.Provider`), which checks what that model can't and starts the work.

After a start `restoration` has each provider bring back what the records say that there was.

An InvokeEndpoint goes from `service` through `runtime_api` to `endpoints/`. CloudFormation's resource types
(`cloudformation`) make the same calls as the API does. `tags` are those of all resources, `search` finds them,
`metrics/` is what SageMaker itself publishes to CloudWatch, `clock` is what tests hurry. docs/embedded-aws.md is made
from these declarations; its first lines say how.

Each folder of a resource type keeps to the same names, as far as it needs them:

- `provider.py`: what its operations do; it checks a request and starts the work;
- `validation.py`: AWS's rules between the members of a request;
- `run.py`: one run of a job, from its start to its end, on a thread of its own;
- `host.py`: one host of a run; a notebook instance has a `machine.py` instead.

`model_registry/` has a file for each of its types: groups, packages, cards; `pipelines/` has `executions.py`, whose
runs make others' resources through the service's own operations. So do those of `monitoring/`, where `timing.py` knows
when a schedule runs and which hours it looks at. `labeling/` has workforces, teams and labeling jobs, whose run gives
objects to people at their `portal/`.

All jobs share `jobs` (which of them run, how they are stopped), `job_inputs` (image, volumes and data) and `failure`
(the FailureReason); `roles` assumes the role that a resource acts as.

What a container is here, for all of them, is in `embedded_aws/runtime/`.
"""
