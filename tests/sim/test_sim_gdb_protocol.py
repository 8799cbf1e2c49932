"""Framing of GDB's packets: any bytes whatever, in any pieces."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from priot.sim.gdb.protocol import MAX_PACKET, Decoder, Signal, encode


def decoded(*pieces: bytes) -> list[bytes | Signal]:
    decoder = Decoder()
    return [item for piece in pieces for item in decoder.feed(piece)]


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """The data in pieces."""
    edges = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def test_known_packets() -> None:
    assert encode(b"OK") == b"$OK#9a"
    assert decoded(b"+$qC#b4") == [Signal.ACK, b"qC"]
    assert decoded(b"$qC#B4\x03-") == [b"qC", Signal.INTERRUPT, Signal.NACK]
    assert decoded(b"noise$qC#b5$qC#b4") == [Signal.DAMAGED, b"qC"]
    assert decoded(b"$cut off$qC#b4") == [b"qC"]
    assert decoded(b"$cut off#$qC#b4") == [b"qC"]
    assert decoded(b"$}\x03#80", b"$#00") == [b"#", b""]
    assert decoded(b"$" + b"a" * 3 * MAX_PACKET)[0] is Signal.DAMAGED


@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(0, 300), max_size=5))
def test_packets_survive_the_wire(payloads: list[bytes], at: list[int]) -> None:
    data = b"".join(map(encode, payloads))
    assert decoded(*cut(data, at)) == payloads


@given(st.lists(st.binary(max_size=60), max_size=4))
@example([b"$}#7d", b"$#", b"$#0", b"$##23"])
def test_any_bytes_are_taken(pieces: list[bytes]) -> None:
    pieces = [*pieces, b"###"]  # ends what began
    decoder = Decoder()
    for piece in pieces:
        for item in decoder.feed(piece):
            assert isinstance(item, bytes | Signal)
    assert list(decoder.feed(encode(b"qC")))[-1] == b"qC"


@given(st.binary(min_size=1, max_size=40), st.integers(0), st.integers(1, 255))
def test_a_changed_byte_is_noticed(payload: bytes, place: int, change: int) -> None:
    packet = bytearray(encode(payload))
    packet[1 + place % (len(packet) - 4)] ^= change
    assert payload not in decoded(bytes(packet))
