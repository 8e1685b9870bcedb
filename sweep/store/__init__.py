"""What is kept: the records and files of a store, on a path or in an object store."""
