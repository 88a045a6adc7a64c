"""The recordings that a report lets one listen to, coded again and embedded."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import soundfile

from evaluation.peers import Case, OriginalPeer, Peer, case_of
from evaluation.results import Row
from evaluation.scoring import Job
from metrics import mel
from metrics.registry import Column

# Enough to judge a voice; a report of some 20 MB still opens on a phone.
_LISTENING_SECONDS = 6.0
_EXTREME_SECONDS = 4.0
_EXTREMES = 10
_PICTURE_WINDOW = 1024


@dataclass(frozen=True)
class Version:
    """One recording as one codec left it.

    Attributes:
        sound: FLAC as a data URI.
        picture: The mel spectrogram, png as a data URI; may be empty.
    """

    sound: str
    picture: str


ORIGINAL_CASE = case_of(OriginalPeer())


@dataclass
class Sounds:
    """Versions by recording and by codec.

    Attributes:
        listening: The recordings to compare all codecs on.
        versions: By recording, then by case; ORIGINAL_CASE is always there.
    """

    listening: list[str] = field(default_factory=list)
    versions: dict[str, dict[Case, Version]] = field(default_factory=dict)

    def add(self, job: Job, peers: Sequence[Peer], seconds: float, pictured: bool) -> None:
        """Codes the beginning of a recording with every peer that it does not have yet."""
        versions = self.versions.setdefault(job.recording.name, {})
        original = job.recording.read(job.rate, min(seconds, job.max_seconds))
        for peer in (OriginalPeer(), *peers):
            case = case_of(peer)
            if case not in versions:
                decoded = peer.code(original, job.rate).samples
                versions[case] = _version(decoded, job.rate, pictured)


def gather(
    jobs: Sequence[Job], rows: Sequence[Row], metric: Column, listening_files: int
) -> Sounds:
    """Codes again what the report plays.

    Args:
        jobs: The evaluation's, all peers in each.
        rows: Its results.
        metric: Which picks the best and worst recordings of each codec at its lowest bitrate.
        listening_files: How many recordings to embed with all codecs, the first ones.
    """
    scored = {row.key for row in rows}
    peers_by_file = {
        job.recording.name: [
            peer for peer in job.peers if (job.recording.name, case_of(peer)) in scored
        ]
        for job in jobs
    }
    jobs_by_file = {job.recording.name: job for job in jobs if peers_by_file[job.recording.name]}
    sounds = Sounds(list(jobs_by_file)[:listening_files])
    for file in sounds.listening:
        sounds.add(jobs_by_file[file], peers_by_file[file], _LISTENING_SECONDS, pictured=True)
    if listening_files > 0:
        for peer in _lowest_bitrates(jobs[0].peers):
            for file in _extremes(rows, peer, metric):
                if file in jobs_by_file:
                    sounds.add(jobs_by_file[file], [peer], _EXTREME_SECONDS, pictured=False)
    return sounds


def _lowest_bitrates(peers: Sequence[Peer]) -> list[Peer]:
    """One peer of each codec, where it loses least."""
    lowest: dict[str, Peer] = {}
    for peer in sorted(peers, key=lambda peer: (peer.loss_rate, peer.bitrate_bps)):
        lowest.setdefault(peer.name, peer)
    return list(lowest.values())


def _extremes(rows: Sequence[Row], peer: Peer, metric: Column) -> list[str]:
    """The recordings at both ends of the metric."""
    own = [
        row for row in rows if row.case == case_of(peer) and np.isfinite(row.scores[metric.name])
    ]
    own.sort(key=lambda row: row.scores[metric.name])
    return [row.file for row in own[:_EXTREMES] + own[-_EXTREMES:]]


def _version(samples: np.ndarray, rate: int, pictured: bool) -> Version:
    flac = io.BytesIO()
    soundfile.write(flac, np.clip(samples, -1, 1), rate, format="FLAC", subtype="PCM_16")
    picture = _spectrogram(samples, rate) if pictured else ""
    return Version(_data_uri("audio/flac", flac.getvalue()), picture)


def _spectrogram(samples: np.ndarray, rate: int) -> str:
    from matplotlib import image

    png = io.BytesIO()
    levels = mel.mel_decibels(samples, rate, _PICTURE_WINDOW).T
    image.imsave(png, levels, cmap="magma", vmin=mel.FLOOR_DB, vmax=-20, origin="lower")
    return _data_uri("image/png", png.getvalue())


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
