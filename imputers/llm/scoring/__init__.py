"""Scoring: how probable a language model holds each answer to a question."""
