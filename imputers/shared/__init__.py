"""What several families of imputers use: chained equations, distances, encodings, training, vocabularies."""
