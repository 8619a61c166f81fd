"""Running cells: from config to objects, fit, evaluate, one row each."""
