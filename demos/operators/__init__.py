"""Operators: imperfect people who drive a task's expert, each fault of theirs a small value with a strength."""
