"""What objects need to outlive their session."""
