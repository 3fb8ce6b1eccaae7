"""Jobs: work that takes longer than a request, kept in a file and run one after the other."""
