"""A phase is watched while it trains: losses judged, data made ahead, speed told, trackers fed."""
