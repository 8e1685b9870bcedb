"""The records of a store: one model for each kind of JSON file, checked once, where the file is read.

A file can be torn, hit by a bad disk, edited by hand or made by somebody else; what follows trusts its fields, and some
of its words become parts of paths. A file that its model refuses is damaged: it is set aside or left out, and its work
is done again. Fields that a model does not know are ignored, since a newer aesweep may have written them.
"""
