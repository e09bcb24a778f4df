"""Where documents come from: wheels, files, archives, repositories, datasets, token caches, as pieces in order."""
