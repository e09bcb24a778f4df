"""What runs inside the sandbox: only the standard library, as a package of its own, in a bare interpreter.

A *slot* serves one program at a time (`slot`). It forks a bare process for the program and another for its tests; both
lock themselves in (`confine`) before they run anything. Values cross between the two as literals (`wire`).
"""
