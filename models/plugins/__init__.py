"""What a plug-in says about itself, where plug-ins are found, and how files of a user's own are loaded. Imports no torch."""
