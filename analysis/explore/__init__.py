"""The page of `aesweep explore`: all trials of a store in one interactive chart, from `file://` or served while a sweep runs.

    tables ─► `document` (fields, scores, means over seeds: columns) ─► `page.static_page`: one file that holds everything
                                                                     └► `server.serve`: the same page, which asks for them

The scripts (`*.js`) run as they are: no build, no framework. Charts are drawn by Apache ECharts, which `vendor/` holds whole.
"""
