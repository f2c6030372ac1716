"""The linear learner as SageMaker has it: several linear models learn side by side by gradients, and the best is kept.

hyperparameters and metrics say what a job may ask for; losses and optimizers are the arithmetic; scaling shifts and
scales data; candidates are the models that learn side by side; selection judges them; evaluation measures the one that
is kept; training is the job, serving the endpoint.
"""
