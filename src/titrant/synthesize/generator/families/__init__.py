"""Families of problems, one file an area. A file is read when its area is first asked for."""
