"""Images larger than memory, tile by tile, on this machine's threads or on a Dask cluster."""
