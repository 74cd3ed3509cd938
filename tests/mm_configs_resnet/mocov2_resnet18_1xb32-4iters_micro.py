_base_ = [
    "../../mm_configs/_base_/models/mocov2_resnet50.py",
    "../../mm_configs/_base_/datasets/stamps48_two-views.py",
    "../../mm_configs/_base_/schedules/stamps_pretrain.py",
    "../../mm_configs/_base_/iter_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="moco",
    display="MoCo v2",
    backbone="resnet18",
    profiles=["micro"],
    data="stamps-micro",
    role="baseline",
    source="mmpretrain",
)
model = dict(
    queue_len=64,
    backbone=dict(depth=18),
    neck=dict(in_channels=512, hid_channels=64, out_channels=32),
    feat_dim=32,
)
train_dataloader = dict(batch_size=32, dataset=dict(data_root="data/stamps-micro/pretrain"))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=4, val_interval=4)
