"""Service Quotas of the embedded AWS."""
