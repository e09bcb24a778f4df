"""What the parameters of problems of arithmetic may be. There are few, because problems of equal ones share inputs."""

from __future__ import annotations

from titrant.synthesize.generator.domains import Integers, Lists, Tuples

ANY = Integers(-100, 100)
WHOLE = Integers(0, 9999)
"""With digits to work on; 0 included."""
POSITIVE = Integers(1, 300)
SMALL = Integers(1, 40)
TINY = Integers(0, 12)
BASE = Integers(2, 10)
SOME = Lists(Integers(1, 60), 1, 6)
POINT = Tuples((Integers(-9, 9), Integers(-9, 9)))
ROW = Integers(0, 8)
SIDE = Integers(0, 20)
MIDDLE = Integers(2, 100)
