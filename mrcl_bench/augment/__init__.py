"""Views of a picture, fast: one decoding, one resampling and one pass of colours for each."""

FUSED = ("FusedMultiView", "FusedView")
"""Names of the transforms in configs; see `mrcl_bench.augment.views`."""
