"""What other libraries need to know of lifetimes: one file for each, imported by name."""
