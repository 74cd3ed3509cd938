"""MRCL's ablations on ViT-B/16: parts, mask ratio, weight of the reconstruction, no contrast.

The base, which stands in the family as its reference, is the matched recipe: 100 epochs, half of
each view hidden, both losses with weight 1. The first axis and the zeros of the others make the
table of 2 x 2: neither, nothing hidden, nothing reconstructed. With nothing hidden, what is
reconstructed is all patches; without both, the contrast of whole views remains. The paper's own
ablations are not known to us.
"""

bench = dict(
    kind="sweep",
    base="mrcl_vit-base-p16_8xb128-amp-matched-coslr-100e_in1k",
    family="mrcl-ablation-vit-base-p16",
    axes=[
        {"model.mask_ratio": [0.0], "model.reconstruct_weight": [0.0]},
        {"model.mask_ratio": [0.0, 0.25, 0.75, 0.9]},
        {"model.reconstruct_weight": [0.0, 0.25, 0.5, 2.0, 4.0]},
        {"model.contrast_weight": [0.0]},
    ],
)
