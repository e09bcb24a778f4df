"""Documents changed on purpose, for arms that ask which property of code or text does the work."""

from titrant.corpus.transforms.stage import transform_documents

__all__ = ["transform_documents"]
