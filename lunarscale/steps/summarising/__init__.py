"""What summarise writes and shows."""
