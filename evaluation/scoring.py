"""Codes recordings with every codec and scores them, in parallel processes."""

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from data.selection import Recording
from evaluation.peers import Case, Peer, case_of
from evaluation.results import Failure, ResultsFile, Row
from metrics import registry
from metrics.registry import Column, Metric

# One thread in each process: the processes share the cores already.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Job:
    """What one process does at a time: one recording with all the codecs that still miss it.

    Attributes:
        recording: What to read.
        peers: The codecs.
        metrics: The scores.
        rate: Samples per second at which codecs get the recording and metrics see it.
        max_seconds: How much of the recording counts, from its beginning.
        costs: What is measured of coding itself, of `registry.COSTS`.
    """

    recording: Recording
    peers: Sequence[Peer]
    metrics: Sequence[Metric]
    rate: int
    max_seconds: float
    costs: Sequence[Column] = ()


def evaluate(jobs: Sequence[Job], results: ResultsFile, processes: int) -> list[Failure]:
    """Runs what `results` does not hold yet, appending rows as they come.

    Neither a recording nor a codec that fails, nor a process that dies, ends the run.

    Returns:
        What failed, by recording.
    """
    done = {row.key for row in results.read()}
    missing = deque(_unfinished(jobs, done))
    os.environ.update(_ONE_THREAD)  # the processes start with a copy of it
    failures: list[Failure] = []
    with tqdm(total=len(jobs), initial=len(jobs) - len(missing), unit="file") as progress:
        for rows, failed in _in_processes(missing, processes):
            results.append(rows)
            failures.extend(failed)
            progress.update()
            progress.set_postfix(failed=len({failure.file for failure in failures}))
    return failures


def scored_recordings(jobs: Sequence[Job], rows: Sequence[Row]) -> Iterator[np.ndarray]:
    """The recordings that could be coded, float32 `[time]` each."""
    scored = {row.file for row in rows}
    for job in jobs:
        if job.recording.name in scored:
            yield job.recording.read(job.rate, job.max_seconds)


def score(job: Job) -> tuple[list[Row], list[Failure]]:
    """One recording, all its codecs."""
    name = job.recording.name
    try:
        signal = job.recording.read(job.rate, job.max_seconds)
        reference = job.recording.reference(job.rate, job.max_seconds)
        _check(signal)
        _check(reference)
    except Exception as error:  # whatever is wrong with one file, the others go on
        return [], [Failure(name, str(error))]
    rows, failures = [], []
    for peer in job.peers:
        try:
            rows.append(_score_peer(job, peer, signal, reference))
        except Exception as error:
            failures.append(Failure(name, f"{_title(peer)}: {error}"))
    return rows, failures


def _score_peer(job: Job, peer: Peer, signal: np.ndarray, reference: np.ndarray) -> Row:
    if any(cost.name == registry.REAL_TIME_FACTOR for cost in job.costs):
        peer.code(signal[: job.rate // 10], job.rate)  # what is loaded at first use is not timed
    begun = _cpu_seconds()
    coded = peer.code(signal, job.rate)
    seconds = len(signal) / job.rate
    while_coding = {
        registry.REAL_TIME_FACTOR: (_cpu_seconds() - begun) / seconds,
        registry.ENTROPY_KBPS: coded.entropy_bps / 1000,
    }
    return Row(
        file=job.recording.name,
        labels=job.recording.labels,
        codec=peer.name,
        bitrate_bps=peer.bitrate_bps,
        loss_rate=peer.loss_rate,
        actual_bps=coded.bitrate_bps,
        seconds=seconds,
        scores={
            metric.name: _score_metric(metric, reference, coded.samples, job.rate)
            for metric in job.metrics
        }
        | {cost.name: while_coding[cost.name] for cost in job.costs},
    )


def _cpu_seconds() -> float:
    """Of this process and the programs that it ran: waiting for a busy machine does not count."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system


def _score_metric(metric: Metric, reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """NaN where the metric cannot score this pair, for example for too little voice."""
    try:
        return metric.score(reference, degraded, rate)
    except ValueError:
        return float("nan")


def _title(peer: Peer) -> str:
    lossy = f" with {peer.loss_rate:.1%} lost" if peer.loss_rate else ""
    return f"{peer.name} at {peer.bitrate_bps} bps{lossy}"


def _check(reference: np.ndarray) -> None:
    if len(reference) == 0:
        raise ValueError("the recording is empty")
    if not np.all(np.isfinite(reference)):
        raise ValueError("the recording holds NaN or infinite samples")
    if np.ptp(reference) == 0:
        raise ValueError("the recording is silent")


def _unfinished(jobs: Sequence[Job], done: set[tuple[str, Case]]) -> Iterator[Job]:
    for job in jobs:
        peers = [peer for peer in job.peers if (job.recording.name, case_of(peer)) not in done]
        if peers:
            yield replace(job, peers=peers)


def _in_processes(jobs: deque[Job], processes: int) -> Iterator[tuple[list[Row], list[Failure]]]:
    """Empties `jobs`, with few of them under way at a time, so that memory stays bounded.

    Where a process dies (a crash in a library, out of memory), the jobs that were under way run
    again one by one, to find out which of them it was.
    """
    # Spawned, not forked: the TFLite and OpenMP threads of the parent do not survive a fork.
    context = multiprocessing.get_context("spawn")
    while jobs:
        running: dict[Future, Job] = {}
        try:
            with ProcessPoolExecutor(processes, mp_context=context) as pool:
                while jobs or running:
                    while jobs and len(running) < 2 * processes:
                        running[pool.submit(score, jobs[0])] = jobs[0]
                        jobs.popleft()
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        scored = future.result()
                        del running[future]
                        yield scored
        except BrokenProcessPool:
            suspects = list(running.values())
            if len(suspects) == 1:
                yield [], [Failure(suspects[0].recording.name, "the process scoring it died")]
            else:
                for job in suspects:
                    yield from _in_processes(deque([job]), 1)
