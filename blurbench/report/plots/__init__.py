"""Pictures of a run, by Matplotlib."""
