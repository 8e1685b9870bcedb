"""Two stores: what differs between them, and copying results from one to the other."""
