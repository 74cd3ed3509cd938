"""What carries out pretraining and jobs alike: workers, their progress, cost and failures."""
