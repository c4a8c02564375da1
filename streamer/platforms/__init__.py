"""Adapters: one file for each platform, one form (`base.py`).

The package holds pure functions; `http.py` and `mail.py` call out.
"""
