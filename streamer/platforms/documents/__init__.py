"""Documents that travel in mails: orders out, answers in. Pure functions over bytes."""
