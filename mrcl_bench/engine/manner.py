"""How a command carries out whatever it runs: what every worker and every record is told of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from .layout import Launcher, Layout


class Manner(BaseModel):
    """The options of a command that do not say what is run, but how.

    Attributes:
        launcher: mmengine launcher: ``none``, ``pytorch`` or ``slurm``.
        gpus: Processes per node under a launcher.
        nodes: Machines under a launcher.
        keep_batch: Whether the total batch is the one that the config's name says.
        allow_broken_images: Whether to go on without broken images (`mrcl_bench.engine.left_out`).
        switches: Faster arithmetic to train with; see `mrcl_bench.switches`.
        together: Whether trained jobs of a recipe and a task share a process, one after the other;
            no option of a single job.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    launcher: Launcher = "none"
    gpus: int = 0
    nodes: int = 1
    keep_batch: bool = True
    allow_broken_images: bool = False
    switches: tuple[str, ...] = ()
    together: bool = False

    @property
    def layout(self) -> Layout:
        """Processes, and where they run."""
        return Layout(launcher=self.launcher, gpus=self.gpus, nodes=self.nodes)

    @property
    def options(self) -> str:
        """What to type for it, with a space in front; empty where all is as it is by itself."""
        return (
            self.layout.options
            + " --no-keep-batch" * (not self.keep_batch)
            + " --allow-broken-images" * self.allow_broken_images
            + "".join(f" --switch {name}" for name in self.switches)
        )
