"""Two views of a picture, fast: one decoding, one resampling and one pass of colours for each."""

FUSED = "FusedMultiView"
"""Name of the transform in configs; see `mrcl_bench.augment.views`."""
