"""UPerNet over ViT-B/16 with BEiT's rates: 7e-4, layer decay 0.65.

Source: BEiT `semantic_segmentation/configs/beit/upernet/
upernet_beit_base_12_512_slide_160k_ade20k_pt.py` (microsoft/unilm), the file that BEiT recommends
for weights without labels; iBOT's file for ViT-B has the same rates. All else is as in
`vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512.py`, BEiT's network not among it: no relative
positions and no layer scale here, and absolute positions that BEiT does not have.
"""

_base_ = ["./vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512.py"]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="upernet-beit",
    display="UPerNet 160k, BEiT's rates",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="ade20k",
    main_metric="val/mIoU",
    seeds=3,
    on_request=True,
)
optim_wrapper = dict(optimizer=dict(lr=7e-4), paramwise_cfg=dict(layer_decay_rate=0.65))
