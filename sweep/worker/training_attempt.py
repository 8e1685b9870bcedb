"""One attempt at training one trial: resume, train, checkpoint, commit.

No Ray here: it runs in a test or a notebook as well.

    newest readable checkpoint of any attempt -> Trainer -> checkpoints of this attempt -> model.safetensors ->
    train.json

An attempt writes only into its own folder, first who it is (`start.json`). It may start from an older attempt's
checkpoint, which holds the whole history and all generator states, so that the result equals that of an uninterrupted
run; the commit names what it was resumed from.
"""

import math
import socket
import time
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.cost import most_checkpoint_bytes
from aesweep.models.data.datasets import data_name
from aesweep.models.data.images import load_images
from aesweep.models.networks.reconstruction import bce_on_test_images, mean_image_bce
from aesweep.models.training.checkpoint import checkpoint_bytes, model_bytes, restore_checkpoint
from aesweep.models.training.epoch_record import EpochRecord
from aesweep.models.training.gpu_memory import most_training_bytes
from aesweep.models.training.test_sample import sample_of
from aesweep.models.training.trainer import NonFiniteLossError, Trainer
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.images import data_source
from aesweep.sweep.store.drivers import launch_of
from aesweep.sweep.store.layout import CHECKPOINT, LOG, MODEL, attempt_folder
from aesweep.sweep.store.records.attempts import TrainingPart, TrainingSettings
from aesweep.sweep.store.records.commits import TrainingRecord, TrainingResult
from aesweep.sweep.store.records.fields import How
from aesweep.sweep.store.storage import LogFile, size_of
from aesweep.sweep.store.store import Store
from aesweep.sweep.version import aesweep_version
from aesweep.sweep.worker.device import choose_device, describe_device, limit_memory, use_threads
from aesweep.sweep.worker.pulse import BegunAttempt, begin_training
from aesweep.sweep.worker.resumed_with import parts_before, resumed_with

SHOW_EVERY_SECONDS = 30.0  # as often as a driver publishes its tables


class TrainingAttempt:
    """One try at a trial. Construct it, call `run_epoch` until `finished`, then `commit`."""

    def __init__(
        self,
        store: Store,
        config: TrialConfig,
        execution: ExecutionConfig,
        gpu_share: float = 0.0,
        stop_file: str = "",
        driver: str = "none",
        begun: BegunAttempt | None = None,
    ) -> None:
        """`stop_file`: name in the store of the file that asks to stop. `driver`: who started it (`StartRecord`)."""
        self.store = store
        self.config = config
        self.execution = execution
        self.gpu_share = gpu_share
        self.started = datetime.now(UTC)
        begun = begun or begin_training(store, execution, driver, config.key)
        self.attempt, self._start, self._pulse = begun.name, begun.start, begun.pulse
        self.resumed_from = "none"
        self._parts: tuple[TrainingPart, ...] = ()
        self._test_scores: dict[str, float] = {}
        self._history: list[EpochRecord] = []
        self._shown = float("-inf")
        """When others were last shown the epochs."""
        self._stop_file = stop_file
        self._log_file = LogFile(store.storage, self._place(self.attempt, LOG))
        self.log(f"{config.name}, attempt {self.attempt} on {socket.gethostname()}")
        self._log_file.publish()

    def start(self) -> None:
        """Load the data, build the network and go on from the last checkpoint. May raise what training raises."""
        with self._pulse.steadily():
            self._prepare()

    def _prepare(self) -> None:
        use_threads(self.execution.threads)
        torch.use_deterministic_algorithms(self.execution.deterministic)
        self.device = choose_device(self.execution.device)
        self.images = load_images(self.config, data_source(self.config, self.execution))
        self._limit_memory()
        self.trainer = self._new_trainer()
        self._resume()
        self._history = self.trainer.history
        self._kept = (self.trainer.epoch, self.trainer.step)  # the place that a checkpoint holds
        place = {"epoch": self.trainer.epoch, "step": self.trainer.step, "resumed_from": self.resumed_from}
        start = self._start.model_copy(update={**place, "settings": self._settings(), "parts": self._parts})
        self.store.attempts.write_start(self.config.key, self.attempt, start)
        self._last_checkpoint = self._last_look = time.monotonic()
        self.log(
            f"{len(self.images.train)} training images, {describe_device(self.device)}, "
            f"{self.trainer.precision}, {torch.get_num_threads()} threads"
        )

    def _limit_memory(self) -> None:
        """Leave the neighbours on the same GPU their memory."""
        if self.device.type != "cuda":
            return
        try:
            needed = most_training_bytes(self.config, self.images.train.nbytes + self.images.test.nbytes)
        except Exception as error:  # a plug-in's network that cannot run on shapes alone
            self.log(
                f"its need of GPU memory cannot be counted ({type(error).__name__}: {error}); its share is the limit"
            )
            needed = 0
        self.log(limit_memory(self.device, self.gpu_share, needed))

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained."""
        return self.trainer.finished

    @property
    def epoch(self) -> int:
        """Epochs that are trained."""
        return self.trainer.epoch

    def measured(self) -> dict[str, float]:
        """The last trained epoch by the columns of `epochs`, its terms, and `test_bce` once the training is committed.

        `training_iteration` is what Tune's callbacks draw along: of a resumed trial it is the epoch too.
        """
        last = self.trainer.history[-1]
        values = {name: value for name, value in asdict(last).items() if value is not None and name != "terms"}
        terms = {one.term: one.value for one in last.terms}
        return {**terms, **values, **self._test_scores, "training_iteration": last.epoch}

    def run_epoch(self) -> EpochRecord | None:
        """Train to the end of the epoch; None when the stop file appeared inside it: a checkpoint holds the place."""
        record = self.trainer.run_epoch(self._after_step)
        if record is None:
            self.checkpoint()
            return None
        self.log(
            f"epoch {record.epoch}/{self.config.epochs}  loss {record.loss:.6f}  lr {record.learning_rate:g}  "
            f"{record.images_per_second:.0f} images/s"
        )
        if not self.finished and time.monotonic() - self._shown >= SHOW_EVERY_SECONDS:
            self._show_epochs()
        return record

    def _show_epochs(self) -> None:
        """Let others see the losses of this unfinished training; they are no result (docs/store.md)."""
        if self._history:
            self.store.attempts.write_epochs(self.config.key, self.attempt, self._history)
            self._shown = time.monotonic()

    def checkpoint(self) -> None:
        """Write the whole state of training into this attempt's folder, if it got further.

        A checkpoint there means progress to those who count deaths (deaths.py).
        """
        place = (self.trainer.epoch, self.trainer.step)
        if place == self._kept:
            return
        self.store.attempts.write_file(self.config.key, self.attempt, CHECKPOINT, checkpoint_bytes(self.trainer))
        self._last_checkpoint, self._kept = time.monotonic(), place
        self.log(f"checkpoint at epoch {self.trainer.epoch}, step {self.trainer.step}")
        self._log_file.publish()

    def commit(self) -> bool:
        """Write the trained model and commit it; False where another attempt was first. Removes checkpoints.

        Also False where the driver has ended this attempt, since it gave no sign of life, and where `prune` took its files
        while it slept (docs/store.md): the trial goes on from the newest checkpoint.
        """
        with self._pulse.steadily():
            committed = self._commit()
        self._pulse.end()
        return committed

    def _commit(self) -> bool:
        key = self.config.key
        result = self._result()
        self._test_scores = {"test_bce": result.test_bce}
        model = self.store.attempts.write_file(key, self.attempt, MODEL, model_bytes(self.trainer.model))
        if self.store.attempts.read_end(key, self.attempt) is not None:
            self.log("ended by the driver; not committed")
            return False
        committed = self.store.commits.commit_training(
            key,
            TrainingRecord(
                attempt=self.attempt,
                config=self.config.to_json(),
                execution=self.execution.to_json(),
                files={MODEL: model},
                history=tuple(self.trainer.history),
                result=result,
                launch=launch_of(self._start.driver),
            ),
        )
        self.log(
            "committed"
            if committed
            else "not committed: another attempt was first, or `prune` took the files of this one"
        )
        self._log_file.publish()
        if committed or self.store.commits.has_training(key):
            for attempt in self.store.attempts.of(key, "train"):
                self.store.storage.remove(self._place(attempt, CHECKPOINT))
            self.store.attempts.remove_epochs(key)
        return committed

    def end(self, how: How, reason: str) -> None:
        """Say how the attempt ends without a commit."""
        self._pulse.end()
        self.log(f"{how}: {reason}")
        self._log_file.publish()
        self._show_epochs()
        self.store.attempts.write_end(self.config.key, self.attempt, how, reason, self.gpu_share)

    def record_failure(self, error: Exception) -> None:
        """The attempt ends here: the reason in its log and in the store."""
        self._pulse.end()
        self.log(f"failed: {type(error).__name__}: {error}")
        self._log_file.publish()
        self._show_epochs()
        self.store.attempts.record_failure(self.config.key, self.attempt, "train", error)

    def log(self, text: str) -> None:
        """One line in the attempt's log file; on an object store it appears with the next checkpoint or at the end."""
        self._log_file.add(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}")

    def _place(self, attempt: str, name: str) -> str:
        return f"{attempt_folder(self.config.key, attempt)}/{name}"

    def _after_step(self) -> bool:
        self._pulse.beat()
        now = time.monotonic()
        if now - self._last_checkpoint >= self.execution.checkpoint_seconds:
            self.checkpoint()
        if not self._stop_file or now - self._last_look < self.store.storage.look_seconds:
            return False
        self._last_look = now
        return self.store.storage.exists(self._stop_file)

    def _resume(self) -> None:
        """Go on from the newest attempt whose checkpoint can be read; a damaged one is named in the log."""
        for attempt in reversed(self.store.attempts.of(self.config.key, "train")):
            version = self.store.storage.version(self._place(attempt, CHECKPOINT))
            if version is not None and size_of(version) > most_checkpoint_bytes(self.config):
                self.log(f"checkpoint of {attempt} not used: {size_of(version):,} bytes are more than it can have")
                continue
            data = self.store.storage.read(self._place(attempt, CHECKPOINT))
            if data is None:
                continue
            try:
                restore_checkpoint(self.trainer, data)
            except ValueError as error:
                self.log(f"checkpoint of {attempt} not used: {error}")
                self.trainer = self._new_trainer()  # parts of that state may have been taken
                continue
            self.resumed_from = attempt
            start = self.store.attempts.read_start(self.config.key, attempt)
            self._parts = parts_before(start, self.trainer.epoch, self.trainer.step)
            if (others := resumed_with(self._parts, self._settings())) != "none":
                self.log(f"its bits are not those of an uninterrupted training: it ran with {others}")
            self.log(f"resumed from {attempt} at epoch {self.trainer.epoch}, step {self.trainer.step}")
            return

    def _new_trainer(self) -> Trainer:
        resident = resident_images(data_name(self.config), self.images.train, self.device)
        sample = sample_of(self.images.train, self.images.test, self.device)
        return Trainer(self.config, resident, device=self.device, test_sample=sample, compile=self.execution.compile)

    def _settings(self) -> TrainingSettings:
        """What decides the bits of this attempt in addition to the trial's configuration (resumed_with.py)."""
        return TrainingSettings(
            device=describe_device(self.device),
            threads=torch.get_num_threads(),
            precision_used=self.trainer.precision,
            torch_version=str(torch.__version__),
            compile=self.execution.compile,
            deterministic=self.execution.deterministic,
        )

    def _result(self) -> TrainingResult:
        trainer, images = self.trainer, self.images
        last, seconds, settings = trainer.history[-1], trainer.train_seconds, self._settings()
        test_bce = bce_on_test_images(trainer.model, images.test, self.device, trainer.precision)
        if not math.isfinite(test_bce):
            raise NonFiniteLossError(f"the cross-entropy of the test images is {test_bce} after the last epoch")
        return TrainingResult(
            final_loss=last.loss,
            final_reconstruction=last.reconstruction,
            final_kl=last.kl,
            test_bce=test_bce,
            mean_image_bce=mean_image_bce(images.train, images.test),
            images_train=len(images.train),
            images_test=len(images.test),
            train_seconds=seconds,
            gpu_seconds=seconds * self.gpu_share if self.device.type == "cuda" else 0.0,
            images_per_second=len(images.train) * len(trainer.history) / seconds,
            **settings.model_dump(include={"device", "threads", "precision_used", "torch_version"}),
            aesweep_version=aesweep_version(),
            node=socket.gethostname(),
            resumed_from=self.resumed_from,
            resumed_with=resumed_with(self._parts, settings),
            started=self.started.isoformat(),
            ended=datetime.now(UTC).isoformat(),
        )


_resident: dict[tuple[str, str], torch.Tensor] = {}


def resident_images(name: str, images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Images (N, H, W, C) uint8 on the device, copied there once per process: actors are reused from trial to trial."""
    place = (name, str(device))
    if place not in _resident:
        _resident.clear()  # one data set at a time: the device's memory belongs to the trials
        _resident[place] = torch.tensor(images, device=device)
    return _resident[place]
