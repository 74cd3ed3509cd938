_base_ = ["./simclr_vit-128x4_1xb32-14iters_stamps48-micro.py"]

bench = dict(
    kind="recipe",
    algorithm="random",
    display="Random init",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    role="floor",
    source="mmpretrain",
)
