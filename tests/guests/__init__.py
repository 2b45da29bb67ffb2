"""A researcher's own file, as tests copy it into a folder of their own."""
