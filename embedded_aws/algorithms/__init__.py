"""AWS's built-in algorithms: what their containers run, to train and to serve.

The frame that they share: job (a training job's /opt/ml, and how an algorithm ends), errors, hyperparameters and
channels (what a job may ask for), content_types, server (what answers /ping, /execution-parameters and /invocations).
An algorithm is a module or a package here, named as its repository of ECR with underscores. It has `training`, with
`train(job)`, and `serving`, with `load(folder)`. All of it runs inside an image and imports, beside this package, the
standard library and what the image has. What the control plane reads too, `hyperparameters` and `metrics` of an
algorithm, imports neither.

XGBoost is the library itself behind the rules of AWS's open container. The others, whose containers are closed, are
done by open libraries behind the same hyperparameters, formats and metrics.
"""
