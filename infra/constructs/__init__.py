"""One noun a module: the resources that the stacks are put together from."""
