"""The words that every room shares: states, transitions, places, evidence, explanations, errors."""
