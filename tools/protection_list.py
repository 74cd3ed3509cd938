"""What protects a run from each fault of docs/faults.md, and the tests that miss it.

Each entry takes one protection out of the source: one text for another. The tests that it names
must fail then; `tools.protections` tries that, `tests/test_protections.py` holds that every text is
still where it was.
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS = tuple(range(1, 23))
"""Numbers of the table in docs/faults.md."""


@dataclass(frozen=True)
class Protection:
    """One protection, and how it is taken out.

    Attributes:
        row: The fault's number in docs/faults.md.
        what: What protects, in a few words.
        file: The source file, from the repository's root.
        text: What stands there, exactly once.
        without: What stands there without the protection.
        tests: Tests that must fail then, each in one of its cases at least.
    """

    row: int
    what: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]


_CHECKPOINTS = "tests/engine/test_checkpoints.py::"
_PRETRAINING = "tests/engine/test_pretraining.py::"
_EVALUATE = "tests/jobs/test_evaluate.py::"
_PLAN = "tests/test_plan.py::"
_PREFLIGHT = "tests/data/check/test_preflight.py::"
_COCO = "tests/data/check/test_check.py::test_coco_entries_that_are_wrong_are_named"
_ENTRIES = (_PREFLIGHT + "test_what_is_wrong_is_named", _COCO)

PROTECTIONS = (
    Protection(
        1,
        "files are written beside their place and moved",
        "mrcl_bench/atomic.py",
        """        with os.fdopen(fd, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes files private
        temporary.replace(path)
""",
        """        os.close(fd)
        temporary.unlink()
        with path.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
""",
        (
            "tests/test_atomic.py::test_a_failed_write_keeps_the_old_file",
            "tests/test_atomic.py::test_kill_9_in_the_middle_leaves_a_whole_file",
        ),
    ),
    Protection(
        1,
        "bytes are synced before the name",
        "mrcl_bench/atomic.py",
        "            os.fsync(file.fileno())\n",
        "",
        ("tests/test_atomic.py::test_bytes_reach_the_disk_before_the_name",),
    ),
    Protection(
        2,
        "random states belong to the checkpoint",
        "mrcl_bench/engine/resume.py",
        "checkpoint[_KEY] = rng_state()",
        "pass",
        (
            _CHECKPOINTS + "test_a_signal_saves_after_the_step_and_resume_is_exact",
            _PRETRAINING + "test_an_interrupted_run_goes_on_and_ends_the_same",
        ),
    ),
    Protection(
        2,
        "the place within an epoch belongs to the checkpoint",
        "mrcl_bench/engine/resume.py",
        '.get("steps_of_epoch", 0)',
        '.get("nothing", 0)',
        (_CHECKPOINTS + "test_a_signal_saves_after_the_step_and_resume_is_exact",),
    ),
    Protection(
        3,
        "a training checkpoint has the hash that was saved",
        "mrcl_bench/engine/checkpoints.py",
        "if sha256_file(path) != _hash_file(path).read_text().strip():",
        "if False:",
        (_CHECKPOINTS + "test_the_hash_alone_tells_a_whole_file_of_another_run",),
    ),
    Protection(
        3,
        "two are kept",
        "mrcl_bench/engine/checkpoints.py",
        "KEPT = 2\n",
        "KEPT = 1\n",
        (
            _CHECKPOINTS + "test_two_are_kept_with_their_hashes_and_nothing_else",
            _CHECKPOINTS + "test_a_damaged_newest_gives_way_to_the_one_before",
        ),
    ),
    Protection(
        3,
        "none left is an error",
        "mrcl_bench/engine/checkpoints.py",
        'if passed or (folder / "last_checkpoint").exists() or any(folder.glob(f"*{_DAMAGED}")):',
        "if False:",
        (
            _CHECKPOINTS + "test_none_left_is_an_error_again_and_again",
            _PRETRAINING + "test_damaged_checkpoints_stop_a_run_or_cost_it_some_steps",
        ),
    ),
    Protection(
        4,
        "a signal saves",
        "mrcl_bench/engine/stop.py",
        "saver.save_partway(runner, batch_idx + 1)",
        "pass",
        (
            _CHECKPOINTS + "test_a_signal_saves_after_the_step_and_resume_is_exact",
            _PRETRAINING + "test_a_signal_to_a_worker_saves_within_one_step",
        ),
    ),
    Protection(
        4,
        "workers listen to SIGUSR1",
        "mrcl_bench/engine/stop.py",
        "SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)",
        "SIGNALS = (signal.SIGTERM, signal.SIGINT)",
        (_PRETRAINING + "test_a_signal_to_a_worker_saves_within_one_step",),
    ),
    Protection(
        4,
        "the command listens to SIGUSR1",
        "mrcl_bench/engine/launch.py",
        "_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)",
        "_SIGNALS = (signal.SIGTERM,)",
        ("tests/test_launch.py::test_a_signal_stops_all_and_leaves_no_process",),
    ),
    Protection(
        4,
        "what a worker started is killed with it",
        "mrcl_bench/engine/launch.py",
        "os.killpg(self.process.pid, signal.SIGKILL)",
        "self.process.kill()",
        ("tests/test_launch.py::test_a_signal_stops_all_and_leaves_no_process",),
    ),
    Protection(
        4,
        "a worker whose command was killed ends itself",
        "mrcl_bench/engine/orphan.py",
        """    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
""",
        "",
        ("tests/test_launch.py::test_no_worker_outlives_a_command_that_is_killed",),
    ),
    Protection(
        5,
        "half a training checkpoint is taken away",
        "mrcl_bench/engine/checkpoints.py",
        "                partial.unlink(missing_ok=True)\n",
        "                pass\n",
        (_CHECKPOINTS + "test_a_full_disk_harms_no_checkpoint",),
    ),
    Protection(
        5,
        "half a file is taken away",
        "mrcl_bench/atomic.py",
        "        temporary.unlink(missing_ok=True)\n",
        "",
        ("tests/test_atomic.py::test_a_failed_write_keeps_the_old_file",),
    ),
    Protection(
        5,
        "a full disk is told from other errors",
        "mrcl_bench/engine/capture.py",
        "if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):",
        "if False:",
        (
            "tests/engine/test_capture.py::test_classify",
            "tests/engine/test_capture.py::test_a_full_disk_behind_torchs_writer",
            "tests/engine/test_worker.py::test_exit_codes",
        ),
    ),
    Protection(
        5,
        "the exit code of a full disk is understood",
        "mrcl_bench/endings.py",
        "if code == EXIT_DISK:",
        "if False:",
        ("tests/test_run.py::test_exit_codes_say_what_ran_out",),
    ),
    Protection(
        6,
        "a loss that is not finite stops the run",
        "mrcl_bench/engine/runtime.py",
        'if "loss" in name and not math.isfinite(float(value)):',
        "if False:",
        (
            _CHECKPOINTS + "test_a_loss_that_is_not_finite_is_never_saved",
            _EVALUATE + "test_a_loss_that_is_not_finite_is_told",
        ),
    ),
    Protection(
        6,
        "before anything is saved",
        "mrcl_bench/engine/runtime.py",
        'priority = "VERY_HIGH"',
        'priority = "LOWEST"',
        (_CHECKPOINTS + "test_a_loss_that_is_not_finite_is_never_saved",),
    ),
    Protection(
        7,
        "torch's plain errors are known for memory's",
        "mrcl_bench/engine/capture.py",
        "return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))",
        "return False",
        (
            "tests/engine/test_capture.py::test_classify",
            "tests/engine/test_capture.py::test_memory_that_torch_cannot_get",
        ),
    ),
    Protection(
        7,
        "a killed worker is told from a failed one",
        "mrcl_bench/endings.py",
        "if code == -9",
        "if code == -99",
        ("tests/test_run.py::test_a_killed_worker_is_told_apart",),
    ),
    Protection(
        7,
        "memory and disk have exit codes",
        "mrcl_bench/engine/worker.py",
        '{"memory": EXIT_MEMORY, "disk": EXIT_DISK}',
        "{}",
        ("tests/engine/test_worker.py::test_exit_codes",),
    ),
    Protection(
        8,
        "torch reads weights only",
        "mrcl_bench/checkpoint.py",
        'return torch.load(path, map_location="cpu", weights_only=True)',
        'return torch.load(path, map_location="cpu", weights_only=False)',
        (
            "tests/test_checkpoint.py::test_a_pickle_that_would_run_code_is_refused_and_never_runs",
            "tests/engine/test_safe_loading.py::test_no_library_runs_it",
            "tests/engine/test_safe_loading.py::test_commands_refuse_it",
            "tests/engine/test_safe_loading.py::test_a_poisoned_training_checkpoint_is_not_gone_on_from",
        ),
    ),
    Protection(
        8,
        "bare pickles call nothing but stand-ins",
        "mrcl_bench/plain_pickle.py",
        '            raise RefusedName(f"{module}.{name}")\n',
        "            return super().find_class(module, name)\n",
        ("tests/test_plain_pickle.py::test_attacks_are_refused_and_never_run",),
    ),
    Protection(
        8,
        "the libraries' loaders are replaced",
        "mrcl_bench/engine/safe_loading.py",
        """        CheckpointLoader.register_scheme(prefix, loader=loader, force=True)
    checkpoint._safe_torch_load = _load""",
        """        pass
    pass""",
        (
            "tests/engine/test_safe_loading.py::test_no_library_runs_it",
            "tests/engine/test_safe_loading.py::test_weights_from_elsewhere_are_refused",
        ),
    ),
    Protection(
        9,
        "a download has the pinned sha256",
        "mrcl_bench/data/debian.py",
        "if package.version == pin.version and not package.pinned:",
        "if False:",
        ("tests/data/test_debian.py::test_wrong_bytes_under_the_pinned_version",),
    ),
    Protection(
        9,
        "converted weights have the manifest's sha256",
        "mrcl_bench/convert/manifest.py",
        "if found != manifest.file_sha256:",
        "if False:",
        ("tests/convert/test_manifest.py::test_changed_weights_are_noticed",),
    ),
    Protection(
        9,
        "a page is told from weights",
        "mrcl_bench/checkpoint_format.py",
        'if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):',
        "if False:",
        (
            "tests/test_checkpoint.py::test_what_is_no_checkpoint_is_named",
            "tests/test_cli.py::test_an_unreadable_checkpoint_is_told",
        ),
    ),
    Protection(
        9,
        "zip checksums are compared",
        "mrcl_bench/checkpoint_format.py",
        "if damaged is not None:",
        "if False:",
        ("tests/test_checkpoint.py::test_flipped_byte_in_the_weights",),
    ),
    Protection(
        10,
        "whatever safetensors raises is one clear error",
        "mrcl_bench/checkpoint_format.py",
        "except Exception as error:  # SafetensorError as a rule;",
        "except ZeroDivisionError as error:  # SafetensorError as a rule;",
        (
            "tests/test_checkpoint.py::test_malformed_safetensors",
            "tests/test_fuzz.py::test_safetensors_headers",
        ),
    ),
    Protection(
        11,
        "weights load completely or not at all",
        "mrcl_bench/backbone_weights.py",
        "    if faults:\n",
        "    if False:\n",
        (
            "tests/test_checkpoint.py::test_a_renamed_key_is_refused_and_nothing_is_loaded",
            _EVALUATE + "test_weights_that_do_not_fit_are_refused",
        ),
    ),
    Protection(
        12,
        "the protocol's config is compared",
        "mrcl_bench/plan.py",
        "if record.protocol.config_sha256 != self.config_hash(job.protocol):",
        "if False:",
        (_PLAN + "test_a_changed_protocol_reruns_only_its_jobs",),
    ),
    Protection(
        12,
        "the recipe's config is compared",
        "mrcl_bench/plan.py",
        "if record.recipe.config_sha256 != self.config_hash(job.recipe):",
        "if False:",
        (_PLAN + "test_a_changed_recipe_reruns_its_pretraining_and_jobs",),
    ),
    Protection(
        12,
        "the data is compared",
        "mrcl_bench/plan.py",
        "if isinstance(data, DataFolder) and record.data.sha256 != data.sha256:",
        "if False:",
        (_PLAN + "test_changed_data_reruns_all",),
    ),
    Protection(
        12,
        "the weights are compared",
        "mrcl_bench/plan.py",
        "if manifest.weights_sha256 != weights:",
        "if False:",
        (_PLAN + "test_other_weights_rerun_their_jobs",),
    ),
    Protection(
        12,
        "the code is compared where that is asked for",
        "mrcl_bench/plan.py",
        "return None if made_by == self._code_hashes[key] else _CODE_CHANGED",
        "return None",
        (
            "tests/test_own_code.py::test_jobs_of_other_code_run_again_and_only_those",
            "tests/test_own_code.py::test_a_pretraining_of_other_code_runs_again_with_its_jobs",
        ),
    ),
    Protection(
        13,
        "a mean rank needs every column",
        "mrcl_bench/compare/summary.py",
        "if not ranks or len(ranks) < len(self.columns):",
        "if not ranks:",
        (
            "tests/compare/test_comparable.py::test_mean_over_an_incomplete_row_is_a_dash",
            "tests/test_compare.py::test_ranks_share_ties_and_need_every_cell",
        ),
    ),
    Protection(
        14,
        "another protocol config stands apart",
        "mrcl_bench/compare/comparable.py",
        "if record.protocol.config_sha256 != standing.config:",
        "if False:",
        ("tests/test_compare.py::test_other_hash_stands_apart_and_is_not_ranked",),
    ),
    Protection(
        14,
        "other data stands apart",
        "mrcl_bench/compare/comparable.py",
        "if record.data.sha256 != standing.data:",
        "if False:",
        ("tests/test_compare.py::test_other_hash_stands_apart_and_is_not_ranked",),
    ),
    Protection(
        15,
        "a run takes each seed once",
        "mrcl_bench/plan.py",
        "if seeds is not None and len(set(seeds)) != len(seeds):",
        "if False:",
        (
            _PLAN + "test_the_same_seed_twice_is_refused",
            "tests/test_cli.py::test_wrong_usage_is_told",
        ),
    ),
    Protection(
        15,
        "a table takes each seed once",
        "mrcl_bench/compare/load.py",
        "if len(paths) > 1}",
        "if len(paths) > 99}",
        ("tests/test_compare.py::test_same_seed_twice_is_refused",),
    ),
    Protection(
        16,
        "half a picture is refused whatever the decoder makes of it",
        "mrcl_bench/engine/whole_images.py",
        """        if why is not None:
            raise ValueError(why)
""",
        "",
        (
            "tests/engine/test_whole_images.py"
            "::test_half_is_refused_whatever_the_decoder_thinks_of_it",
        ),
    ),
    Protection(
        16,
        "a broken picture is named",
        "mrcl_bench/engine/whole_images.py",
        'raise BrokenImage(f"broken image {path}: {why}.") from None',
        "raise",
        (
            "tests/engine/test_whole_images.py::test_a_broken_picture_is_named",
            "tests/engine/test_whole_images.py::test_a_broken_label_map_is_named",
        ),
    ),
    Protection(
        16,
        "the check decodes every picture",
        "mrcl_bench/data/check/pictures.py",
        "                    image.load()\n",
        "                    pass\n",
        ("tests/data/check/test_check.py::test_damaged_pictures_are_all_listed_in_one_pass",),
    ),
    Protection(
        16,
        "nothing is left out unless that is allowed",
        "mrcl_bench/engine/left_out.py",
        "found if allowed else None",
        "found",
        ("tests/engine/test_left_out.py::test_without_the_allowance_nothing_is_left_out",),
    ),
    Protection(
        16,
        "what is left out is counted, from the cache too",
        "mrcl_bench/jobs/features.py",
        'left.add(json.loads(str(stored["left_out"])))',
        "pass",
        ("tests/engine/test_left_out.py::test_a_probe_goes_on_and_its_record_counts",),
    ),
    Protection(
        16,
        "features without broken images are not for those who did not allow it",
        "mrcl_bench/jobs/features.py",
        'identity["without"] = "broken images"',
        "pass",
        ("tests/engine/test_left_out.py::test_a_probe_goes_on_and_its_record_counts",),
    ),
    Protection(
        16,
        "another number of broken images stands apart",
        "mrcl_bench/compare/comparable.py",
        'if record.status == "completed" and record.data.broken_images != standing.broken:',
        "if False:",
        (
            "tests/compare/test_comparable.py"
            "::test_records_without_broken_images_are_not_ranked_with_whole_data",
        ),
    ),
    Protection(
        17,
        "classes are COCO's",
        "mrcl_bench/data/check/coco.py",
        "elif found[known] != title:",
        "elif False:",
        _ENTRIES,
    ),
    Protection(
        17,
        "an id comes once",
        "mrcl_bench/data/check/coco.py",
        "if number is None or number in seen:",
        "if number is None:",
        _ENTRIES,
    ),
    Protection(
        17,
        "boxes are finite",
        "mrcl_bench/data/check/coco.py",
        "return isinstance(value, int | float) and abs(value) < 1e300",
        "return isinstance(value, int | float)",
        _ENTRIES,
    ),
    Protection(
        17,
        "an annotation has its image",
        "mrcl_bench/data/check/coco.py",
        """        if image is None:
            report.add("orphan",""",
        """        if False:
            report.add("orphan",""",
        _ENTRIES,
    ),
    Protection(
        17,
        "a run looks at its data before it starts anything",
        "mrcl_bench/run.py",
        "        check_data(units, self.planner, self.console)\n",
        "",
        (_PREFLIGHT + "test_a_run_stops_before_anything_is_started",),
    ),
    Protection(
        18,
        "no prediction is AP 0 and a flag",
        "mrcl_bench/jobs/train_eval.py",
        "if not found and empty is not None:",
        "if False:",
        (_EVALUATE + "test_a_detector_that_predicts_nothing_has_ap_0_and_a_flag",),
    ),
    Protection(
        19,
        "a set has all pieces of its layout",
        "mrcl_bench/data/locate.py",
        "    missing = layout.missing(path)\n",
        "    missing: list[str] = []\n",
        ("tests/data/test_locate.py::test_ade_missing_names_all_pieces",),
    ),
    Protection(
        19,
        "labels are in range, to the last pixel",
        "mrcl_bench/data/check/pictures.py",
        "    if wrong:\n",
        "    if False:\n",
        (
            _PREFLIGHT + "test_what_is_wrong_is_named",
            "tests/data/check/test_check.py::test_ade20k_labels",
        ),
    ),
    Protection(
        20,
        "a runner holds the lock of its folder",
        "mrcl_bench/run.py",
        "with lock.acquire(timeout=0):",
        "if True:",
        ("tests/test_run.py::test_the_second_runner_is_told",),
    ),
    Protection(
        20,
        "the lock goes with its process",
        "mrcl_bench/run.py",
        "from filelock import FileLock, Timeout\n",
        "from filelock import SoftFileLock as FileLock, Timeout\n",
        ("tests/test_run.py::test_a_dead_runners_lock_frees_itself",),
    ),
    Protection(
        20,
        "a worker holds the lock of its request",
        "mrcl_bench/engine/worker.py",
        "lock.acquire(timeout=",
        "bool(",
        (
            "tests/engine/test_worker.py"
            "::test_a_second_worker_on_the_same_request_waits_and_says_so",
        ),
    ),
    Protection(
        21,
        "an unknown name has a did-you-mean",
        "mrcl_bench/errors.py",
        'hint = f"Did you mean {\' or \'.join(near)}?" if near else ""',
        'hint = ""',
        (
            "tests/test_cli.py::test_wrong_usage_is_told",
            "tests/test_cli.py::test_a_broken_bench_block_is_told",
        ),
    ),
    Protection(
        21,
        "keys of a bench block are known ones",
        "mrcl_bench/catalog.py",
        "if key not in model.model_fields or key in _NOT_IN_BLOCKS:",
        "if False:",
        ("tests/test_cli.py::test_a_broken_bench_block_is_told",),
    ),
    Protection(
        21,
        "keys of a config have a reader",
        "mrcl_bench/config_keys.py",
        'if key in read or key.startswith("_"):',
        "if True:",
        (
            "tests/test_config_keys.py::test_a_key_that_nothing_reads_is_refused",
            "tests/test_config_keys.py::test_nothing_is_started_with_a_dead_key",
        ),
    ),
    Protection(
        22,
        "configs from elsewhere need the flag",
        "mrcl_bench/trust.py",
        'if os.environ.get(VARIABLE) == "1" or',
        "if True or",
        (
            "tests/test_trust.py::test_no_command_runs_a_config_that_is_not_trusted",
            "tests/test_trust.py::test_what_resolves_a_config_asks_too",
        ),
    ),
    Protection(
        22,
        "whoever resolves a config asks",
        "mrcl_bench/resolve.py",
        "    require_trust(path, config_root())\n",
        "",
        ("tests/test_trust.py::test_what_resolves_a_config_asks_too",),
    ),
)
