"""Scripted experts: phases that one machine runs over a batch, and how hands take things."""
