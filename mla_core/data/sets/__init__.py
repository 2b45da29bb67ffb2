"""The data sets that have a name; each is imported when it is asked for."""
