"""The published contract, rendered from the messages and the topics: JSON Schemas, AsyncAPI."""
