"""Which fields a sweep varies, where figures show them, and means and comparisons over seeds: the report of any sweep."""
