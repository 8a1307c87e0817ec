"""Networks of the deep generative methods, their encoding and likelihoods; imported where torch is used."""
