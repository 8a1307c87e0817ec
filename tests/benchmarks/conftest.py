"""What pytest must not import: it registers imputers that go wrong."""

collect_ignore = ["bad_imputers.py"]
