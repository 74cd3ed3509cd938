"""Jobs on a queue: what a plan lacks is submitted to Slurm, and nothing twice."""
