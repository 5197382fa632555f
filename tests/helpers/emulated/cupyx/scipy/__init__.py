"""SciPy's twins: SciPy itself."""
