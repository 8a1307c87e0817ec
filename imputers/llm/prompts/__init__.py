"""Prompts: what a language model is told about a respondent and asked, in words and in tokens."""
