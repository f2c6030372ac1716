"""Bricklab, held to its word."""
