"""Tasks of lm-evaluation-harness: its prompts and metrics, our data and our scoring path."""
