"""What pytest must not import: files that register imputers."""

collect_ignore = ["bad_imputers.py", "learners.py"]
