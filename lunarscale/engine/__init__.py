"""How the work is done: a plan, an executor, a ledger."""
