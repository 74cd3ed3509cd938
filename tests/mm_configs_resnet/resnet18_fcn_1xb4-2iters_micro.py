_base_ = [
    "../../mm_configs/_base_/models/upernet_vit-128x4.py",
    "../../mm_configs/_base_/datasets/stamps96_ade.py",
    "../../mm_configs/_base_/schedules/stamps_dense.py",
    "../../mm_configs/_base_/mmseg_stamps_runtime.py",
]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="fcn",
    display="FCN",
    backbone="resnet18",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/mIoU",
    seeds=1,
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=2, val_interval=2)
model = dict(
    backbone=dict(_delete_=True, type="mmpretrain.ResNet", depth=18, out_indices=(0, 1, 2, 3)),
    neck=None,
    decode_head=dict(
        _delete_=True,
        type="FCNHead",
        in_channels=512,
        in_index=3,
        channels=64,
        num_convs=1,
        concat_input=False,
        num_classes=17,
        norm_cfg=dict(type="BN", requires_grad=True),
        align_corners=False,
        loss_decode=dict(type="CrossEntropyLoss", use_sigmoid=False, loss_weight=1.0),
    ),
)
_root = "data/stamps-micro/segmentation"
train_dataloader = dict(batch_size=4, dataset=dict(data_root=_root))
val_dataloader = dict(dataset=dict(data_root=_root))
test_dataloader = dict(dataset=dict(data_root=_root))
