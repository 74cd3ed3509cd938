"""Two views of a picture, fast: one decoding, one resampling and one pass of colours for each."""
