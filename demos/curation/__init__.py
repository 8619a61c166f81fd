"""Curation: what is kept of demonstrations: filters, and scores that say which are worth keeping."""
