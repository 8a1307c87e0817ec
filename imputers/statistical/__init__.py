"""Statistical models: likelihoods, posteriors and chained equations."""
