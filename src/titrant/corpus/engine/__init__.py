"""How the parts of a stage are done: one after the other, by processes, or on a cluster."""
