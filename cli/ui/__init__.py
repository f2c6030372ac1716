"""What a person sees: finished steps, tables, errors."""
