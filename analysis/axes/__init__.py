"""The report of any sweep by its own axes: which fields vary, where a figure shows them, means and comparisons over seeds."""
