"""One module for each command. `register(app)` adds it; slow imports belong into the function that runs it."""
