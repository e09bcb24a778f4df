"""Problems and their solutions become documents: one a problem, and the form of it that each source asks for."""
