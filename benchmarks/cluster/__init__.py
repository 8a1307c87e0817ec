"""Cells computed by the workers of a Dask cluster, while the driver alone holds the store."""
