"""Robots: each knows its model, its action space and its controller."""
