"""Items of the evaluation, looked for in documents."""
