"""The parts of `llama-scratch`: its prompt, network, learning and answers."""
