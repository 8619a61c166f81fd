"""Demonstrations: operators, collection, the dataset in memory and on disk."""
