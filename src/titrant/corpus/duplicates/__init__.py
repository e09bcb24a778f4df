"""Documents that are nearly equal: their signatures, and who is near to whom."""
