"""The hazards: one file each; the file's name is the hazard's name."""
