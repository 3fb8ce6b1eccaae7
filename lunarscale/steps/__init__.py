"""The verbs, in the order of the datum's way: one file a command, no arithmetic of their own."""
