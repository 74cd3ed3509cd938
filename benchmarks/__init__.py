"""Measurements of speed, side by side with what is in use elsewhere."""
