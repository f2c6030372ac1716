"""What others would use in the place of parts of Bricklab, to measure against."""
