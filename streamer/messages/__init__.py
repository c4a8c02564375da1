"""Canonical messages: what travels on Kafka. No I/O."""
