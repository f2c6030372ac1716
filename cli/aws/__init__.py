"""What `./lab` asks of AWS, one file a subject."""
