"""For people in Python: the measuring commands as calls, and what they find as objects."""
