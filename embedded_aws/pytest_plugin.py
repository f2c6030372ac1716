"""The pytest fixtures `embedded_aws` and `embedded_aws_module`."""
