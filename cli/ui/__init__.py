"""What a person reads and types: options, progress, tables, errors."""
