"""Where the work runs: clusters that are opened, made, secured, left standing and retired."""
