"""The Parquet tables: a view of the store's records."""
