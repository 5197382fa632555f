"""Which blur to run: figures measured by `blurbench tune`, and the model that chooses by them."""
