"""Faust made fast and safe: batches in, pure folds, outputs before rows before offsets. Knows no message of the
product."""
