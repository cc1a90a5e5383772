"""The experiments with trained networks: ``python -m experiments.run_all``, from the clone's root.

`common` has the unit of work, the row of a table and the experiment; `runner` runs units in
processes and writes tables; each ``e*.py`` is one experiment. Nothing imports this folder: figures
and verdicts read the tables, ``experiments/results/*.csv``.
"""
