"""A campaign against the lab: kills, full disks, damaged files, hostile texts, and long hours.

`make campaign` runs it for half an hour; `test_short.py` is its short form. Every try draws from a
generator of its own, named by the seed, the campaign and its number, so a seed makes it repeatable.
"""
