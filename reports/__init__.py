"""The reports: from one tidy table of scores to a leaderboard in Markdown, HTML and figures."""

from reports.facts import Facts
from reports.results import Record, lost, read_record, tidy, write_record
from reports.write import write_report

__all__ = ["Facts", "Record", "lost", "read_record", "tidy", "write_record", "write_report"]
