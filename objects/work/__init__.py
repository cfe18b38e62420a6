"""Tasks: commands that run outside of their object's lock, each in a process of its own.

    start     `records.start`, in the call's transaction: a row in the team's schema, one in what workers choose from
    take      `queue.take`, by a worker: the team whose turn it is, its most urgent task, under a lease
    run       `running.run`: watches a process (`child`) with neither database nor engine, only a line to the worker
    settle    `settling`: one transaction that ends the task under its lease and runs the commands that want the outcome

A worker that dies loses its lease; another begins the task anew. The lease is asked for in the transaction that brings
the outcome, so an outcome counts once, however often the task ran.
"""
