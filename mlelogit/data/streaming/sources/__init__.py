"""Where rows in pieces come from: frames, files, DuckDB, dask."""
