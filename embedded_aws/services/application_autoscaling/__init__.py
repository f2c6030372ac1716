"""Application Auto Scaling, for the instances of SageMaker's endpoints; ministack has none.

- `service`: the operations, one request after the other: `targets`, `policies`, `activities` say what each may be.
- `records`: scalable targets, policies and activities, kept in the database.
- `alarms`: the CloudWatch alarms of a target tracking policy. They do the watching, as on AWS: CloudWatch
  (patches/cloudwatch.py) tells of each alarm that names a policy, when it goes off and every minute from then on.
- `capacity`: how many instances a policy wants, from the values of its alarm's metric: plain arithmetic.
- `scaler`: what comes of it: cooldowns, bounds, the call to SageMaker, the activity that tells of it.
- `variants`: what is asked of SageMaker, and what its endpoints' changes mean here.
- `deregistration`: how a target ends, also with its endpoint.
- `authorization`, `cloudformation`: the permissions that a request needs; the two resource types of templates.

SageMaker knows nothing of it but that somebody is asked before an endpoint changes, and told of it then.
"""
