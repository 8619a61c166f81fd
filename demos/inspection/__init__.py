"""What lies in a dataset: a row an episode, and a summary of all."""
