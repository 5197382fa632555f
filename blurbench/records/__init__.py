"""What is kept: the schema of a row, its writers, the journal and the machine's description."""
