"""What only reads records: who leads, where the faster of two changes, whether a run got slower."""
