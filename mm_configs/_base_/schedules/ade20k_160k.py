"""160,000 iterations at batch 16, evaluated once at the end (mmseg `schedule_160k.py`)."""

train_cfg = dict(type="IterBasedTrainLoop", max_iters=160000, val_interval=160000)
val_cfg = dict(type="ValLoop")
auto_scale_lr = dict(enable=False, base_batch_size=16)
