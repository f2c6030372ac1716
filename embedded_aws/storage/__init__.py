"""Contents of objects of S3: in files or rows, hashed and unframed as they come, never whole in memory."""
