"""Where a blur runs: one file per backend, and the registry."""
