"""What a report like a paper's is made of."""
