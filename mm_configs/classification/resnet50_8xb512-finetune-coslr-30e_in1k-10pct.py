"""Semi-supervised: ResNet-50 fine-tuned on 10 % of ImageNet-1k's labels by SimCLR's recipe.

Source: SimCLR, appendix B.5 (arXiv 2002.05709): Nesterov momentum 0.9, learning rate 0.05 x 4096 /
256 = 0.8, batch 4096, 30 epochs, no warm-up, no decay, crop and flip only. The schedule, cosine
without restarts, is that of its code. The last, short batch of an epoch is dropped; SimCLR's code
carries it over. The head starts from a normal distribution with deviation 0.01.

The subset is the list `data/imagenet/subsets/10percent.txt` of google-research/simclr
(`imagenet_subsets/`), which is not shipped. Without it 10 % of every class are drawn with a fixed
seed; the record says which it was.
"""

_base_ = [
    "../_base_/models/finetune_resnet50.py",
    "../_base_/datasets/in1k_basic.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="classification",
    adapter="semi_supervised",
    family="finetune-10pct",
    display="Fine-tuning, 10 % of labels",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    main_metric="val/accuracy",
    seeds=3,
    on_request=True,
)
train_dataloader = dict(
    batch_size=512,
    dataset=dict(
        type="ListedFolder", names="data/imagenet/subsets/10percent.txt", share=0.1, seed=0
    ),
)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=30, val_interval=30)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.05 * 4096 / 256, momentum=0.9, nesterov=True, weight_decay=0.0),
)
param_scheduler = [
    dict(
        type="CosineAnnealingLR",
        T_max=30,
        begin=0,
        end=30,
        by_epoch=True,
        convert_to_iter_based=True,
    )
]
default_hooks = dict(checkpoint=None)
auto_scale_lr = dict(enable=False, base_batch_size=4096)
