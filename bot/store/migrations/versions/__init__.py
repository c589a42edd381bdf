"""One step of the way for each change of the tables, named in order."""
