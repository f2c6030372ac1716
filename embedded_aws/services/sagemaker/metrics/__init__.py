"""The metrics that SageMaker itself publishes to CloudWatch: of its instances, and of what endpoints are asked."""
