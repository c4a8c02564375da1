"""The product's measurements, with peers beside it on the same bytes and the same broker. Run by `make bench`."""
