"""Any bytes given to the .sst reader and decoder, or to the receiver: audio or one clear error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import audio_target, damaged_datagrams, datagram_target, sst_target

FUZZ = Path(__file__).resolve().parent / "fuzz"
CORPUS = sorted((FUZZ / "corpus").iterdir())
DATAGRAMS = sorted((FUZZ / "datagrams").iterdir())


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    sst_target.use_stand_in(monkeypatch.setattr)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_corpus_passes(path):
    sst_target.fuzz_one(path.read_bytes())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([0, 64, 128, 192]))
def test_any_bytes(data, how):
    sst_target.fuzz_one(bytes([how]) + data)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CORPUS), st.data())
def test_mutated_files(path, data):
    """A few edits: a byte changed, bytes inserted or taken out, the end cut off."""
    stream = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(1, len(stream)))
        removed = data.draw(st.sampled_from([0, 1, 1, 1, 5, 1000]))
        stream[position : position + removed] = data.draw(st.binary(max_size=4))
    sst_target.fuzz_one(bytes(stream))


@pytest.mark.parametrize("path", DATAGRAMS, ids=lambda path: path.name)
def test_streams_of_datagrams_pass(path):
    datagram_target.fuzz_one(path.read_bytes())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DATAGRAMS), st.data())
def test_mutated_datagrams(path, data):
    stream = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(stream) - 1))
        stream[position : position + data.draw(st.integers(0, 2))] = data.draw(
            st.binary(max_size=3)
        )
    datagram_target.fuzz_one(bytes(stream))


def test_damaged_datagrams_are_refused_or_read():
    refused, rebuilt = damaged_datagrams.run(5_000)
    assert 1_000 < refused < 4_000 and rebuilt > 100


@pytest.mark.parametrize("name", audio_target.FORMATS)
def test_mutated_audio_headers(tmp_path, name):
    path = tmp_path / f"a.{name}"
    for index in range(50):
        path.write_bytes(audio_target.mutated(name, index))
        audio_target.check(path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_slices_of_mutated_audio_headers_in_processes_of_their_own(tmp_path):
    record = tmp_path / "record.json"
    total = len(audio_target.FORMATS) * audio_target.SLICE
    assert audio_target.main(str(record), total) == 0, record.read_text()
    assert sum(json.loads(record.read_text())["mutations"].values()) == total


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.parametrize(
    "target, seeds", [("sst_target", "corpus"), ("datagram_target", "datagrams")]
)
def test_one_minute_of_coverage_guided_mutation(tmp_path, target, seeds):
    limits = ["-max_total_time=60", "-timeout=10", "-rss_limit_mb=512", "-max_len=1024"]
    command = [
        sys.executable,
        str(FUZZ / f"{target}.py"),
        *limits,
        f"-artifact_prefix={tmp_path}/",
    ]
    # libFuzzer's limit is on the peak of the process, which starts from that of the process it is
    # forked from: let that be a shell, not a pytest that has trained codecs before.
    forked = ["sh", "-c", '"$@"; exit $?', "sh", *command, str(tmp_path), str(FUZZ / seeds)]
    process = subprocess.run(forked, capture_output=True)
    assert process.returncode == 0, process.stderr.decode()[-3000:]
    assert b"Done " in process.stderr
