"""The custom resource Custom::TrainingJob: starts a SageMaker training job, waits for it, stops it."""
