"""mrcl-bench: downstream-transfer benchmarks for self-supervised backbones."""

__version__ = "0.1.0"
