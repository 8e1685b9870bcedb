"""`aesweep explore`: the verb, and what its page reads of a store."""
