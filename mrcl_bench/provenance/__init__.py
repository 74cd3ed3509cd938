"""Where a number came from: the records of a cell, their configs, and what differs elsewhere."""
