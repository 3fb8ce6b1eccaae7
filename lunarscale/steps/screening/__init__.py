"""What screen-pole is made of."""
