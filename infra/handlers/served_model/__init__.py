"""The custom resource Custom::ServedModel, and how an endpoint is asked: at once, or through S3."""
