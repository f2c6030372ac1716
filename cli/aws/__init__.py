"""Everything that `./lab` asks of AWS, one file a subject."""
