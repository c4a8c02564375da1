"""The operator console with very many orders and SKUs."""
