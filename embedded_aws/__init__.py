"""The embedded AWS: ministack, plus a SageMaker that really trains and really serves, without Docker."""
