"""What sample writes."""
