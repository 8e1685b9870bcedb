"""Tables and sentences of the report."""
