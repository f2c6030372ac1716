"""What the lab's REST API runs: the way from API Gateway to the endpoint, and the role that API Gateway logs with."""
