"""The web process: webhook gateway, operator console, metrics and health."""
