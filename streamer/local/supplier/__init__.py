"""A supplier to try things with: HTTP, SMTP and a mailbox read by IMAP, with a book of its own."""

from streamer.local.supplier.book import Book, Entry
from streamer.local.supplier.faults import Faults
from streamer.local.supplier.supplier import LocalSupplier

__all__ = ["Book", "Entry", "Faults", "LocalSupplier"]
