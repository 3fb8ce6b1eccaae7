"""Options that make numba compile a loop sooner, for every room that has loops.

A new worker compiles all that a run needs before its first job, and half of that time is numba's
own Python. What nobody calls need not be made: a loop is called from Python or from other loops,
never from C. Nor need numba rewrite expressions of whole arrays, constant powers and exceptions'
messages, which our loops have none of (one that raises or has a ``**`` takes other options).
Nothing here changes what a loop computes or how fast it runs.
"""

from typing import Any

#: Of a loop that Python calls.
LOOP: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True, "no_rewrites": True}

#: Of a loop that only loops call.
PART: dict[str, Any] = {
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "no_rewrites": True,
}
