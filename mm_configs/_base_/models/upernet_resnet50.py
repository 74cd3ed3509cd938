"""UPerNet over an undilated ResNet-50.

Source: mmseg `_base_/models/upernet_r50.py`, with the one departure of `fcn_resnet50-d8.py`: the
plain stem with its 7x7 convolution instead of V1c's three 3x3.
"""

_base_ = ["./fcn_resnet50-d8.py"]

model = dict(
    backbone=dict(dilations=(1, 1, 1, 1), strides=(1, 2, 2, 2)),
    decode_head=dict(
        _delete_=True,
        type="UPerHead",
        in_channels=[256, 512, 1024, 2048],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=512,
        dropout_ratio=0.1,
        num_classes=150,
        norm_cfg=dict(type="SyncBN", requires_grad=True),
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
)
