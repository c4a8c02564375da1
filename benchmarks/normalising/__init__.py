"""B1: raw records to canonical events, the function alone and through Kafka beside plain Faust."""
