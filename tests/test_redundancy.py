"""Packets tell of those before them: what is lost is rebuilt, within the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.packet_loss import GilbertElliott
from soundstream.bitstream.datagrams import DISTANCES, FARTHEST, DatagramCoder, Sum
from soundstream.bitstream.errors import BitstreamError
from soundstream.bitstream.packets import Kind, Packet, PacketCoder
from soundstream.bitstream.packing import packed_size
from soundstream.codec import concealment
from soundstream.codec.receiver import Receiver
from soundstream.codec.redundancy import PROFILES, DatagramEncoder, Profile, profile_named
from soundstream.codec.repair import Repair
from tests import fake_runtime
from tests.golden.make_format_vectors import likely_codes, tables
from tools.study.compare_sums import still_missing

CODER = DatagramCoder(6)
MODEL = fake_runtime.CodecModel(fake_runtime.Metadata(codebook_size=64, hop=20, num_quantizers=20))
COPY = Profile("copy", (((1,), 2),))  # half of the levels again, one packet later


@pytest.fixture(autouse=True)
def stand_in_decoder(monkeypatch):
    monkeypatch.setattr(concealment, "StreamingDecoder", fake_runtime.StreamingDecoder)


def random_codes(count, levels=20, seed=0):
    """[packets, frames = 1, channels = 1, levels]."""
    return np.random.default_rng(seed).integers(0, 64, (count, 1, 1, levels), np.int32)


def sent(codes, profile):
    encoder = DatagramEncoder(CODER, profile)
    return [encoder.encode(packet) for packet in codes]


def repair_of(datagrams, lost=()):
    repair = Repair()
    for number, data in enumerate(datagrams):
        if number not in lost:
            repair.add(number, CODER.decode(data))
    return repair


@pytest.mark.parametrize("channels, frames, coded", [(1, 1, False), (2, 3, False), (2, 3, True)])
def test_a_datagram_comes_back(channels, frames, coded):
    coder = DatagramCoder(4, channels, tables() if coded else None)
    own, copied = np.split(likely_codes(2 * frames, channels), 2)
    sums = [Sum(0, copied[..., :2]), Sum(3, own[..., :1] ^ copied[..., :1])]
    data = coder.encode(own, sums, denoise=True)
    assert data[1] >> 6 == 2 + coded
    assert len(data) <= 2 + 2 + packed_size(6 * frames * channels, 4)
    got = coder.decode(data)
    assert got.denoise and got.num_frames == frames
    np.testing.assert_array_equal(got.codes, own)
    assert [one.distances for one in got.sums] == [(1,), (1, 3)]
    for before, after in zip(sums, got.sums, strict=True):
        np.testing.assert_array_equal(before.codes, after.codes)


def test_without_redundancy_a_datagram_is_a_packet():
    codes = random_codes(1)[0]
    assert CODER.encode(codes) == PacketCoder(6).encode(codes).to_bytes()
    assert DatagramEncoder(CODER, PROFILES["off"]).pause(3, bytes(8)) == (
        Packet(Kind.SILENCE, 3, 0, bytes(8)).to_bytes()
    )
    np.testing.assert_array_equal(CODER.decode(CODER.encode(codes)).codes, codes)
    assert CODER.decode(Packet(Kind.SILENCE, 3, 0, bytes(8)).to_bytes()).noise == bytes(8)


def test_readers_that_know_no_redundancy_refuse_it_in_words():
    data = sent(random_codes(9), PROFILES["light"])[8]
    with pytest.raises(BitstreamError, match="a SILENCE packet has no levels, got 12"):
        Packet.from_bytes(data)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("levels, bits", [(10, 6), (20, 6), (40, 6), (60, 6), (12, 10), (36, 10)])
def test_no_profile_takes_more_bits_than_without(name, levels, bits):
    own, sums = PROFILES[name].split(levels, bits)
    total = 8 * len(sums) + bits * (own + sum(count for _, count in sums))
    assert bits * levels - 2 * bits < total <= bits * levels


def test_profiles_that_do_not_exist_or_do_not_fit_are_named():
    with pytest.raises(ValueError, match="'storng': there are off, light, strong"):
        profile_named("storng")
    with pytest.raises(ValueError, match="'strong' needs more than 5 levels of 6 bits"):
        PROFILES["strong"].split(5, 6)


@pytest.mark.parametrize("name", ["light", "strong"])
def test_a_lost_packet_is_rebuilt_in_its_first_levels(name):
    codes = random_codes(40)
    own, sums = PROFILES[name].split(20, 6)
    most = max(count for _, count in sums)
    datagrams = sent(codes, PROFILES[name])
    assert {len(data) for data in datagrams[FARTHEST:]} == {17}  # 2 and 15 for 120 bits
    for lost in range(10, 30):
        repair = repair_of(datagrams, {lost})
        assert repair.received(lost) is None
        np.testing.assert_array_equal(repair.rebuilt(lost).codes, codes[lost, ..., :most])
        np.testing.assert_array_equal(repair.received(lost + 1).codes, codes[lost + 1, ..., :own])


def test_two_of_three_losses_in_a_row_are_no_loss():
    datagrams = sent(random_codes(60), PROFILES["strong"])
    repair = repair_of(datagrams, {20, 21, 22, 40, 43})
    assert all(repair.rebuilt(number) is not None for number in (20, 21, 22, 40, 43))


def test_what_was_rebuilt_helps_to_rebuild_more():
    """Packets 20 and 18 are lost: 20 follows from 25 and 23; only then 18 from 23 and 20."""
    profile = Profile("pair", (((2, 5), 3),))
    codes = random_codes(40)
    repair = repair_of(sent(codes, profile), {18, 20})
    np.testing.assert_array_equal(repair.rebuilt(18).codes, codes[18, ..., :6])


def test_a_packet_that_comes_late_counts_for_more_than_what_was_rebuilt():
    codes = random_codes(30)
    datagrams = sent(codes, COPY)
    repair = repair_of(datagrams, {20})
    assert repair.rebuilt(20) is not None
    repair.add(20, CODER.decode(datagrams[20]))
    np.testing.assert_array_equal(repair.received(20).codes, CODER.decode(datagrams[20]).codes)


def test_sums_that_contradict_one_another_end():
    """Each says something else of packet 0: the one with more levels counts, and the first."""
    codes = random_codes(12)
    repair = Repair()
    for number, (row, levels, seed) in enumerate([(0, 2, 1), (1, 5, 2), (0, 5, 3), (2, 5, 4)], 1):
        wrong = random_codes(1, levels, seed)[0]
        repair.add(number, CODER.decode(CODER.encode(codes[number], [Sum(row, wrong)])))
    np.testing.assert_array_equal(repair.rebuilt(0).codes, random_codes(1, 5, 2)[0])
    np.testing.assert_array_equal(repair.received(1).codes, codes[1])


def test_sums_of_packets_before_the_first_do_no_harm():
    codes = random_codes(20)
    receiver, plain = Receiver(MODEL, CODER), Receiver(MODEL, CODER)
    for number, packet in enumerate(codes):
        plain.deliver(number, CODER.encode(packet))
        sums = [Sum(row, random_codes(1, 3, row)[0]) for row in range(len(DISTANCES))]
        receiver.deliver(number, CODER.encode(packet, sums))
    for number in range(20):
        np.testing.assert_array_equal(receiver.play(number), plain.play(number))
    assert receiver.num_rebuilt == receiver.num_concealed == receiver.num_refused == 0


def test_pauses_and_other_lengths_are_in_no_sum():
    encoder = DatagramEncoder(CODER, COPY)
    codes = random_codes(4)
    encoder.encode(codes[0])
    assert len(CODER.decode(encoder.encode(codes[1])).sums) == 1
    assert not CODER.decode(encoder.encode(np.concatenate(codes[2:]))).sums
    encoder.pause(1)
    assert not CODER.decode(encoder.encode(codes[3])).sums


def test_a_lower_bitrate_before_lowers_what_is_told_of_it():
    encoder = DatagramEncoder(CODER, COPY)
    encoder.encode(random_codes(1, 4)[0])  # sends 1 level and nothing more
    data = CODER.decode(encoder.encode(random_codes(1)[0]))
    assert data.sums[0].codes.shape[2] == 1


def test_rebuilt_packets_are_played_as_any():
    """The copy of a packet with few levels is all of it: the sound is that without loss."""
    profile = Profile("all", (((1,), 2),))
    datagrams = sent(random_codes(40, 18), profile)  # 8 levels, 8 of the packet before
    whole, holey = Receiver(MODEL, CODER), Receiver(MODEL, CODER)
    for number, data in enumerate(datagrams):
        whole.deliver(number, data)
        if number not in (10, 12, 30):
            holey.deliver(number, data)
    for number in range(40):
        np.testing.assert_array_equal(whole.play(number), holey.play(number))
    assert (holey.num_rebuilt, holey.num_concealed) == (3, 0)


def test_what_cannot_be_rebuilt_is_concealed_and_what_cannot_be_read_is_named():
    datagrams = sent(random_codes(40), PROFILES["light"])
    receiver = Receiver(MODEL, CODER)
    for number, data in enumerate(datagrams[:10]):
        receiver.deliver(number, data)
    receiver.deliver(10, datagrams[10][:-1])
    assert receiver.last_refusal == "18 codes of 6 bits take 14 bytes, got 13"
    receiver.deliver(11, bytes([10, 128, 0x80 | 1]))
    assert receiver.last_refusal == "more than 8 sums, or cut within what says which"
    receiver.deliver(12, CODER.encode(random_codes(1, 21)[0]))
    assert receiver.last_refusal == "21 levels, the model has 20"
    assert receiver.num_refused == 3
    audio = [receiver.play(number) for number in range(20)]
    assert receiver.num_concealed == 10 and all(part.shape == (20, 1) for part in audio)


@given(st.integers(10, 30), st.data())
def test_a_wrong_byte_reaches_no_farther_than_the_sums(number, data):
    """The transport should drop such a datagram; where it does not, this bounds the harm."""
    datagrams = sent(random_codes(60), PROFILES["strong"])
    right = repair_of(datagrams, {15, 28})
    position = data.draw(st.integers(0, len(datagrams[number]) - 1))
    wrong = bytearray(datagrams[number])
    wrong[position] ^= data.draw(st.integers(1, 255))
    repair = Repair()
    for at, one in enumerate(datagrams):
        try:
            if at not in (15, 28):
                repair.add(at, CODER.decode(bytes(wrong) if at == number else one))
        except BitstreamError:
            continue
    for at in [*range(number - 2 * FARTHEST - 8), *range(number + FARTHEST, 60)]:
        same = [one.received(at) or one.rebuilt(at) for one in (right, repair)]
        np.testing.assert_array_equal(same[0].codes, same[1].codes)


def test_a_sum_of_two_makes_up_for_more_than_a_copy():
    network = GilbertElliott.independent(0.2)
    none, copy, pair = (still_missing(network, sums, 400) for sums in ((), [(1,)], [(2, 5)]))
    assert none == pytest.approx(0.2, abs=0.05)
    assert 0 <= 2 * pair < copy < none / 2
