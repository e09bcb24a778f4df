"""Problems that are solved by code: asked by published conventions, run in the sandbox, scored by pass@k."""
