_base_ = [
    "../../../mm_configs/_base_/models/mask-rcnn_vit-128x4_fpn.py",
    "../../../mm_configs/_base_/datasets/stamps96_coco.py",
    "../../../mm_configs/_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn",
    display="Mask R-CNN",
    backbone="vit-128x4",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/bbox_mAP",
    seeds=1,
)
default_scope = "mmdet"
visualizer = dict(type="DetLocalVisualizer")
_set = dict(
    data_root="data/stamps-micro/detection/",
)
train_dataloader = dict(batch_size=4, dataset=_set)
val_dataloader = dict(dataset=_set)
test_dataloader = dict(dataset=_set)
val_evaluator = dict(ann_file=_set["data_root"] + "annotations/instances_val.json")
test_evaluator = dict(ann_file=_set["data_root"] + "annotations/instances_novel.json")
train_cfg = dict(type="IterBasedTrainLoop", max_iters=4, val_interval=4)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3))
default_hooks = dict(checkpoint=None)
