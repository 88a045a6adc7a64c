"""What share of lost packets sums of earlier ones cannot give back.

    python tools/study/compare_sums.py

prints a table: for each choice of sums (soundstream/bitstream/datagrams.py), how many packets in a
hundred are still missing when they are due. The sums have all levels here; nothing is coded.
"""

from collections.abc import Sequence

import numpy as np
from absl import flags

from common import command_line
from evaluation.packet_loss import GilbertElliott, Network
from soundstream.bitstream.datagrams import DISTANCES, FARTHEST, Datagram, Sum
from soundstream.codec.repair import Repair

CHOICES = (
    ((1,),),
    ((1,), (2,)),
    ((1, 3),),
    ((2, 5),),
    ((1, 3, 8),),
    ((1, 3), (2, 7)),
)
NETWORKS = {
    "10 % lost": GilbertElliott.independent(0.1),
    "20 %": GilbertElliott.independent(0.2),
    "40 %": GilbertElliott.independent(0.4),
    "20 % in bursts of 2": GilbertElliott(0.2, 2.0),
}


def still_missing(network: Network, sums: Sequence[tuple[int, ...]], packets: int) -> float:
    """Share of packets that neither came nor could be rebuilt when FARTHEST more had their time."""
    codes = np.zeros((1, 1, 1), np.int32)
    told = tuple(Sum(DISTANCES.index(distances), codes) for distances in sums)
    datagram = Datagram(1, codes, sums=told)
    lost = network.sample(packets, np.random.default_rng(0))
    repair = Repair()
    missing = 0
    for now in range(packets + FARTHEST):
        if now < packets and not lost[now]:
            repair.add(now, datagram)
        due = now - FARTHEST
        missing += due >= 0 and not (repair.received(due) or repair.rebuilt(due))
    return missing / packets


def main(_: list[str]) -> None:
    print(f"| what a packet tells of | {' | '.join(NETWORKS)} |")
    print("|---" * (len(NETWORKS) + 1) + "|")
    for sums in CHOICES:
        shares = [still_missing(n, sums, flags.FLAGS.packets) for n in NETWORKS.values()]
        cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
        print(f"| {' and '.join(map(str, sums))} | {cells} |", flush=True)


if __name__ == "__main__":
    flags.DEFINE_integer("packets", 2_500, "How many packets are sent.", 1)
    command_line.run(main)
