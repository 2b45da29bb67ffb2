"""What holds for all tests."""

from hypothesis import settings

settings.register_profile("without a clock", deadline=None)  # a busy machine is no fault
settings.load_profile("without a clock")
