"""Forecasts of demand for one item: one file for each family of methods. Floats, since these are statistics."""
