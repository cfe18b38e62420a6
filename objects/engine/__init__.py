"""The engine: takes calls, batches them, locks, runs, commits. `running.engine()` is the one of this process."""
