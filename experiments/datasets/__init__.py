"""Labelled images: where they come from, how they are rotated, and the transfer task."""
