"""What `auto` chooses by, measured: problems, rounds, and the figures fitted to them."""
