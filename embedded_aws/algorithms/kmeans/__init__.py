"""k-means as SageMaker has it: mini-batches move more centers than are wanted, and Lloyd's method makes them k."""
