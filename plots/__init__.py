"""Figures from records, for a paper's columns."""
