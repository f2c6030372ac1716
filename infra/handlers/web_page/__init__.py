"""What fills the bucket of the lab's web page, and empties it with the stack."""
