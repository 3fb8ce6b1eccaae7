"""Options that make numba compile a loop sooner, for every room that has loops.

A new worker compiles all that a run needs before its first job, and half of that time is numba's
own Python. What nobody calls need not be made: a loop is called from Python or from other loops,
never from C. Nothing here changes what a loop computes or how fast it runs.
"""

from typing import Any

#: Of a loop that Python calls.
LOOP: dict[str, Any] = {"nogil": True, "no_cfunc_wrapper": True}

#: Of a loop that only loops call.
PART: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
