"""What is found in the lab's templates and locks, and what is let be."""
