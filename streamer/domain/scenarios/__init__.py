"""Questions to the planning mathematics, each a value that is read from JSON and answered with JSON."""
