"""What is provisioned: settings, constructs, stacks, and the Lambda handlers that they package by path."""
