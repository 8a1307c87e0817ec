"""The reports: from one tidy table of scores to a leaderboard in Markdown, HTML and figures."""
