"""The program in an endpoint's container, as AWS's TensorFlow inference container has it, TensorFlow Serving included.

That of other frameworks' containers is in toolkits.

To be read in this order: server and layout (installs, starts the workers), worker (loads and serves), app (HTTP),
handlers, default_handler and attributes (what answers /invocations), tensorflow_serving, tensors, examples and
saved_models (predictions), rest_api, grpc_api and grpc_services.
"""
