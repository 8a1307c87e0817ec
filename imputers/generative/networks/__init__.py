"""Networks of the deep generative methods, and what they read and say; imported where torch is used."""
