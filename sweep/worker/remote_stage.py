"""The Ray task that runs one stage of an evaluation.

The driver submits it and imports no torch; the task runs in a worker process, on the GPU share that its stage asks for.
"""

import os
import traceback
from typing import Any

import ray

from aesweep.cluster.scratch import no_room_in_worker
from aesweep.cluster.staging import code_was_removed
from aesweep.sweep.evaluation_job import (
    EvaluationJob,
    MemoryLackedError,
    StageFailedError,
    TrainedAgainError,
    lost_its_model,
)
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.worker.pulse import Pulse


@ray.remote(max_retries=0)
def run_stage(name: str, job: EvaluationJob, *arguments: Any) -> Any:
    """Run one function of `aesweep.sweep.worker.evaluation_stages`.

    A process ends, so that it takes no other task, where its code was removed under it or its CUDA context is broken.
    """
    try:
        return _run(name, job, *arguments)
    except Exception as error:
        if code_was_removed(error):
            os._exit(1)
        raise


def _run(name: str, job: EvaluationJob, *arguments: Any) -> Any:
    """Import the stages here, so that the driver loads no torch, and run one.

    An error is recorded here, where its traceback and its machine are known, except for the first lack of GPU memory: trials
    that train on the same GPU may have taken it, so the driver tries again.
    """
    job.store.storage.require_identity()  # this machine may have another folder at the store's path
    os.environ["MPLBACKEND"] = "agg"  # torchmetrics imports matplotlib; a notebook's backend may be missing here
    pulse = Pulse(job.store, job.execution, job.driver, job.key, job.attempt)
    with pulse.steadily():  # loading torch takes seconds, or hangs with the file server that it is on
        import torch

        from aesweep.sweep.worker import evaluation_stages
        from aesweep.sweep.worker.device import free_memory, is_out_of_memory, poisons_process
    try:
        with pulse.steadily():
            return getattr(evaluation_stages, name)(job, *arguments)
    except StorageError:  # no fault of the trial; the driver decides
        raise
    except Exception as error:
        if no_room := no_room_in_worker(error):
            raise no_room from error
        if code_was_removed(error):  # no fault of the trial either
            raise
        lacked = job.store.attempts.memory_lacked
        first_lack = is_out_of_memory(error) and not lacked(job.key, "evaluate", job.evaluation.id)[1]
        failure = None
        if not (first_lack or isinstance(error, TrainedAgainError) or lost_its_model(job.store, job.key, error)):
            failure = job.store.attempts.record_failure(job.key, job.attempt, "evaluate", error, job.evaluation.id)
        if poisons_process(error):
            os._exit(1)
        traceback.clear_frames(error.__traceback__)  # they hold what lies on the GPU
        if first_lack:
            raise MemoryLackedError(str(error)) from None
        if failure is not None:
            raise StageFailedError(failure) from None
        raise
    finally:
        pulse.end()
        if torch.cuda.is_initialized():  # this process stays, and trials train on the same GPU
            free_memory()
