"""The metrics that SageMaker itself publishes to CloudWatch: of its instances, and of the invocations of endpoints."""
