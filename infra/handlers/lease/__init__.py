"""The functions of the lab's lease: the custom resource Custom::Lease, and what its schedules invoke."""
