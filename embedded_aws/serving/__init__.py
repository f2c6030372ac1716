"""The program in an endpoint's container, as AWS's TensorFlow inference container has it, TensorFlow Serving included.

To be read in this order: server (installs, starts the workers), worker (loads and serves), app (HTTP), handlers and
default_handler (what answers /invocations), tensorflow_serving, tensors and saved_models (predictions), rest_api.
"""
