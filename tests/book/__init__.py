"""The web book as its readers have it."""
