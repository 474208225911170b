"""The recorder: who expired a value, who closed a session, and where, noted while it happens."""
