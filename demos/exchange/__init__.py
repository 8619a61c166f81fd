"""Datasets of others and for others: what is read, what is written, and what a reader is told of it."""
