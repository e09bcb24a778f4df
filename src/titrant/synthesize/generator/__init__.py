"""Problems without a model: statement, reference solution, oracle, inputs and contracts, drawn from a seed."""
