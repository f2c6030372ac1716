"""One module a stack: what is deployed and destroyed together."""
