"""What calibrate and train are made of."""
