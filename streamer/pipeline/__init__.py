"""The agents: from raw events to decisions and calls."""
