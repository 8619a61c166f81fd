"""Shopfloor: how much does more real-world-style data improve a robot policy?"""

__version__ = "0.3.0"
