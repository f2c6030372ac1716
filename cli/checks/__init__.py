"""What `./lab preflight` looks at, one file a subject."""
