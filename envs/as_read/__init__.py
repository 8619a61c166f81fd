"""The world as its sensors read it, for experts that act from readings."""
