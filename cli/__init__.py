"""What `./lab …` does: it starts the embedded AWS, runs the CDK CLI, and talks to AWS through boto3."""
