"""Several processes that train one phase: how they are started, meet, share out weights and end."""
