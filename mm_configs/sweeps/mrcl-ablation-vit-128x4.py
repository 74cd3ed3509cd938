"""MRCL's ablations on vit-128x4 and Stamps: as on ViT-B/16, at the profile small's length.

The base is the profile's own recipe. What the points mean: `mrcl-ablation-vit-base-p16.py`.
"""

bench = dict(
    kind="sweep",
    base="mrcl_vit-128x4_1xb64-2000iters_stamps48",
    family="mrcl-ablation-vit-128x4",
    axes=[
        {"model.mask_ratio": [0.0], "model.reconstruct_weight": [0.0]},
        {"model.mask_ratio": [0.0, 0.25, 0.75, 0.9]},
        {"model.reconstruct_weight": [0.0, 0.25, 0.5, 2.0, 4.0]},
        {"model.contrast_weight": [0.0]},
    ],
)
