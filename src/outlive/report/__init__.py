"""Findings and hazards as text and JSON.  A renderer is a function of values to a string; the caller prints."""
