"""The operator console: a read model in SQLite, pages made from it, and the acts of people as messages."""
