"""Linear probe by MAE's recipe as for the class token, but on the mean patch token of ViT-B/16.

What a method did not train a class token for is not held against it. Source: MAE's
`main_linprobe.py --global_pool`. Departure: there the mean of the raw tokens passes a new norm;
here the pretrained final norm stays and its tokens are averaged.
"""

_base_ = ["./vit-base-p16_8xb2048-amp-linear-lars-coslr-90e_in1k.py"]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="linear_trained",
    family="linear-lars-mean",
    display="Linear probe (LARS), mean token",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=1,
    on_request=True,
)
model = dict(
    backbone=dict(out_type="featmap"), neck=dict(_delete_=True, type="GlobalAveragePooling")
)
