"""Tuning: how a language model is trained on the observed answers."""
