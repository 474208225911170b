"""Sessions whose objects stay readable, and what they know about expiry."""
