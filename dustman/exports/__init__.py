"""The forms in which the log leaves: for other tools, other logs and tax programs. One file a form."""
