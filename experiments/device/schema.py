"""The model image, word by word: what host and firmware share, told once.

``python -m priot.experiments.device.generate`` makes the declarations of the firmware's headers and
the tables of docs/image-format.md of it; the host writes and reads images by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from priot.experiments.device.operations import OPERATIONS as WITH_WEIGHTS
from priot.kernels.methods import NEVER_DOUBLED
from priot.kernels.operations import OPERATIONS, Operation

MAGIC = int.from_bytes(b"RIOT", "little")
VERSION = 3
ALIGNMENT = 8
"""Of every offset, in bytes."""


class Flag(IntFlag):
    """What an image's flags say."""

    DYNAMIC = 1, "shifts follow each tensor instead of the layer table"
    TRAINS_SCORES = 2, "scores are trained and decide which edges are kept"
    SPARSE_SCORES = 4, "only the edges listed in `columns` have a score"
    ROUND_NEAREST = 8, "otherwise pseudo-stochastic"
    WEIGHTS_IN_FLASH = (
        16,
        "those that are not trained: they can be read only",
        "with 2, or where `first_trained` is not 0",
    )
    EDGES_BY_BITMAP = 32, "sparse scores: bits behind `row_starts` say which", "with 4 only"
    PACKED_MASK = 64, "scores are one bit for every edge", "predictor only, without 1, 2 and 4"

    meaning: str
    where: str
    """Which images may have it; empty: all."""

    def __new__(cls, value: int, meaning: str = "", where: str = "") -> Flag:
        """A flag with its description."""
        flag = int.__new__(cls, value)
        flag._value_ = value
        flag.meaning, flag.where = meaning, where
        return flag


PREDICTOR_FLAGS = Flag.PACKED_MASK
"""Those that the trainer does not know."""

KINDS: dict[type[Operation], int] = {operation: operation.kind for operation in OPERATIONS}
TERNARY_KINDS = KINDS | {
    operation: on_device.TERNARY_KIND for operation, on_device in WITH_WEIGHTS.items()
}
"""Where edges may count twice."""
KIND_NAMES = {operation.name.upper(): kind for operation, kind in KINDS.items()} | {
    f"TERNARY_{operation.name.upper()}": TERNARY_KINDS[operation] for operation in WITH_WEIGHTS
}
"""Of the firmware. Each has a number of its own; together they count from 1."""


@dataclass(frozen=True)
class Words:
    """Words of 32 bits, little-endian, that are declared together."""

    names: tuple[str, ...]
    c_type: str
    """A word's, or "struct shape": one word for each of SHAPE."""
    comment: str = ""
    """What they hold, in C and in docs."""
    more: str = ""
    """What docs/image-format.md says beside that."""


def _word(name: str, c_type: str, comment: str = "", more: str = "") -> Words:
    return Words((name,), c_type, comment, more)


INT, OFFSET = "int32_t", "uint32_t"

SHAPE = (Words(("channels", "height", "width"), INT),)

HEADER = (
    _word("magic", "uint32_t", more='"RIOT" in ASCII'),
    _word("version", "uint32_t", more=f"{VERSION}; the firmware refuses any other"),
    _word("size", "uint32_t", "bytes, scratch included"),
    _word("flags", "uint32_t", more="below"),
    _word(
        "learning_rate_bits",
        INT,
        more="for dynamic scales; static ones have it in `update_shift`; a schedule changes both "
        "between steps",
    ),
    _word("threshold", INT, "an edge is kept while its score reaches it"),
    _word(
        "double_threshold",
        INT,
        f"an edge counts twice while its score reaches it; {NEVER_DOUBLED}: never",
        "of ternary layers alone",
    ),
    _word("input_exponent", INT, more="of the pixels, -7"),
    _word(
        "first_trained",
        INT,
        "the first layer that is trained: errors go back no further",
        "an index; so are all layers with weights behind it",
    ),
    _word("layer_count", INT),
)

LAYER = (
    _word("kind", INT, more="below"),
    Words(
        ("in", "out"),
        "struct shape",
        "(C, H, W); features of a dense layer are channels of one pixel",
    ),
    _word("window", INT, "kernel of a convolution, window of a pooling"),
    _word("padding", INT, "of a convolution"),
    _word("exponent", INT, "of the weights"),
    _word("forward_shift", INT, "static shifts: of the outputs"),
    _word("backward_shift", INT, "of the input error"),
    _word("update_shift", INT, "of the gradient"),
    _word("weights", OFFSET, "int8, one row per output", "a row of a convolution is (C, k, k)"),
    _word(
        "scores",
        OFFSET,
        "int8, like the weights; sparse: packed row after row",
        "packed mask: one bit for every edge (1: it is kept), the lowest bit of a byte first, "
        "each row from a new byte on",
    ),
    _word(
        "row_starts",
        OFFSET,
        "sparse: uint32, index of each row's first score, one entry more",
        "by bitmap, one bit for every edge follows (1: it has a score), the lowest bit of a byte "
        "first, each row from a new byte on",
    ),
    _word(
        "columns",
        OFFSET,
        "sparse: uint16, place in its row of each scored edge, ascending; by bitmap: scratch for "
        "those of one row",
    ),
    _word("inputs", OFFSET, "int8 activations (C, H, W)"),
    _word("outputs", OFFSET, "likewise; a ReLU works in place"),
    _word("input_error", OFFSET, "int8, like them; none where nothing before is trained"),
    _word("output_error", OFFSET),
    _word(
        "sums",
        OFFSET,
        "int32 scratch",
        "sums that wait for a dynamic scale, input errors of a dense layer; with fast kernels "
        "padded planes and lists as well",
    ),
    _word(
        "kept",
        OFFSET,
        "int8 scratch for weights as often as their edges count",
        "with fast kernels of a convolution only; with a packed mask of 8 rows",
    ),
)

MORE_SCRATCH = (
    _word("sums", OFFSET, "for core 1, what the layer's `sums` are for core 0"),
    _word("packed", OFFSET, "int8: a convolution's weights, parted by its input channels"),
)
"""The dual variant's, an entry for each layer behind the layer table."""


def names_of(words: tuple[Words, ...]) -> tuple[str, ...]:
    """One for each word, those of a shape as "in.channels"."""
    names: list[str] = []
    for group in words:
        for name in group.names:
            if group.c_type == "struct shape":
                names += (f"{name}.{field}" for field in names_of(SHAPE))
            else:
                names.append(name)
    return tuple(names)


HEADER_FIELDS, LAYER_FIELDS, SHAPE_FIELDS = map(names_of, (HEADER, LAYER, SHAPE))
