"""What a plug-in says about itself, where plug-ins are found, and how a user's files are loaded. Imports no torch."""
