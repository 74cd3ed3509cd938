_base_ = ["../simclr/simclr_vit-128x4_1xb64-250iters_stamps48.py"]

bench = dict(
    kind="recipe",
    algorithm="random",
    display="Random init",
    backbone="vit-128x4",
    profiles=["tiny", "small"],
    data="stamps",
    role="floor",
    source="mmpretrain",
)
