"""The pages of the console, one module for each heading of the navigation."""
