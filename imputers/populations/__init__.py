"""Methods that are told the law of the population: the ceiling of what any method can reach."""
