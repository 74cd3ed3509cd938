_base_ = [
    "../../mm_configs/_base_/models/mrcl_resnet50.py",
    "../../mm_configs/_base_/datasets/stamps48_two-views.py",
    "../../mm_configs/_base_/schedules/stamps_pretrain.py",
    "../../mm_configs/_base_/iter_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mrcl",
    display="MRCL",
    backbone="resnet18",
    profiles=["micro"],
    data="stamps-micro",
    role="method",
    source="mrcl",
)
model = dict(
    mask_cell=16,
    backbone=dict(depth=18, norm_cfg=dict(type="BN")),
    neck=dict(in_channels=512, hid_channels=64, out_channels=32, norm_cfg=dict(type="BN1d")),
    predictor=dict(in_channels=32, hid_channels=64, out_channels=32, norm_cfg=dict(type="BN1d")),
    decoder=dict(in_channels=512, width=32, norm_cfg=dict(type="BN")),
    head=dict(patch_size=16),
)
train_dataloader = dict(batch_size=32, dataset=dict(data_root="data/stamps-micro/pretrain"))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=4, val_interval=4)
