"""How a factory departs from the ideal: sensors, command path, spread between sites."""
