"""Where a sweep runs: connecting to Ray, shares of its machines, code for its workers, files that start clusters.

Imports Ray and no other folder of ours, so that it can be read, tested and reused alone.
"""
