"""The program an endpoint's container runs: AWS's TensorFlow inference container, TensorFlow Serving included."""
