"""What is provisioned, held against its promises."""
