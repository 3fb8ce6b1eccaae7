"""From ground truth to models: what the stations teach."""
