"""The image: Python and C agree on the format, and an image holds what was put in."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from experiment_models import SMALL, prepared, sum_in_refusal
from numpy.typing import NDArray

from priot import firmware_elf
from priot.experiments.device import generate
from priot.experiments.device import host as device
from priot.experiments.device.host import MAILBOX_FIELDS, Phase
from priot.experiments.device.image import encode
from priot.experiments.device.layout import MAX_COLUMNS, lay_out
from priot.experiments.device.operations import MASKED_ROWS
from priot.experiments.device.placement import Edges, Placement
from priot.experiments.device.schema import KIND_NAMES, KINDS
from priot.experiments.errors import UserError
from priot.kernels.methods import Method, method
from priot.kernels.model import INPUT_EXPONENT, Model, initial_model, with_scores
from priot.kernels.network import Network
from priot.kernels.operations import Dense, ReLU
from priot.kernels.rounding import Rounding

FOLDER = Path(firmware_elf.__file__).parent
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
METHODS = [
    method("niti-dynamic"),
    method("niti-static", rounding=Rounding.NEAREST),
    method("niti-static", trained_layers="last"),
    method("niti-dynamic", trained_layers="dense"),
    method("priot"),
    method("priot-ternary", double_threshold=-3),
    method("priot-s", scored_fraction=0.3),
    method("priot-s", selection="magnitude"),
]


# --- the C headers


def header(name: str) -> str:
    return COMMENT.sub("", (FOLDER / name).read_text())


IMAGE_H = header("trainer/image.h")
MAILBOX_H = header("trainer/mailbox.h")
HALT_H = header("runtime/halt.h")


def struct_fields(source: str, name: str) -> list[str]:
    """A C struct's members in order; one that is a struct of this project is spelt out."""
    body = re.search(rf"struct {name} \{{(.*?)\}};", source, re.DOTALL)
    assert body, f"no struct {name}"
    fields = []
    for declaration in filter(None, map(str.strip, body[1].split(";"))):
        kind, names = re.fullmatch(r"((?:struct )?\w+)\s+(.*)", declaration, re.DOTALL).groups()
        for member in map(str.strip, names.split(",")):
            if kind.startswith("struct ") and not member.startswith("*"):
                if member.endswith("[]"):
                    continue  # the layers that follow the header
                inner = struct_fields(source, kind.removeprefix("struct "))
                fields += [f"{member}.{field}" for field in inner]
            else:
                fields.append(member.removeprefix("*"))
    return fields


def enumeration(source: str, name: str = "") -> dict[str, int]:
    body = re.search(rf"enum\s*{name} \{{(.*?)\}}", source, re.DOTALL)
    assert body, f"no enum {name}"
    return {key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", body[1])}


def macro(source: str, name: str) -> int:
    return int(re.search(rf"#define {name} (\w+?)u?\s", source)[1], 0)


@pytest.mark.parametrize("path", generate.generated(generate.ROOT), ids=lambda path: path.name)
def test_the_committed_file_is_what_the_schema_generates(path: Path) -> None:
    assert path.read_text() == generate.generated(generate.ROOT)[path]


def committed_with(tmp_path: Path, old: str, new: str) -> int:
    """Copies of the committed files with one text replaced; returns how many files had it."""
    changed = 0
    for path, content in generate.generated(generate.ROOT).items():
        copy = tmp_path / path.relative_to(generate.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(content.replace(old, new))
        changed += old in content
    return changed


@pytest.mark.parametrize(
    "declared",
    ["int32_t padding;", "| 8 | `padding` |", "MAX_POOL2D = 4", "PACKED_MASK 64", "packed; /*"],
)
def test_what_somebody_changed_by_hand_is_generated_anew(tmp_path: Path, declared: str) -> None:
    assert committed_with(tmp_path, declared, declared.upper().replace("4", "5")) == 1
    for path, content in generate.generated(tmp_path).items():
        original = generate.ROOT / path.relative_to(tmp_path)
        assert content == original.read_text()


def test_a_declaration_without_a_place_is_an_error(tmp_path: Path) -> None:
    assert committed_with(tmp_path, "struct layer {", "struct stratum {") == 1
    with pytest.raises(ValueError, match=r"found 0 places of .*struct layer"):
        generate.generated(tmp_path)


def test_a_number_of_two_kinds_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ternary kinds have numbers too, which no operation's file shows."""
    monkeypatch.setitem(generate.KIND_NAMES, "LEAKY_RELU", KIND_NAMES["TERNARY_CONV2D"])
    with pytest.raises(ValueError, match=r"5 is both LEAKY_RELU and TERNARY_CONV2D: .* is 7"):
        generate.generated(generate.ROOT)


def test_kinds_that_leave_a_number_out_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(generate.KIND_NAMES, "LEAKY_RELU", 9)
    with pytest.raises(ValueError, match=r"\[1, 2, 3, 4, 5, 6, 9\] leave numbers out"):
        generate.generated(generate.ROOT)


def test_fields_of_the_mailbox_are_those_of_the_c_struct_in_their_order() -> None:
    assert list(MAILBOX_FIELDS) == struct_fields(MAILBOX_H, "mailbox")


@pytest.mark.parametrize("source", [IMAGE_H, MAILBOX_H])
def test_every_member_of_a_struct_is_one_word(source: str) -> None:
    """Fields are written as 32-bit words, so no C type may be of another size."""
    bodies = re.findall(r"struct \w+ \{(.*?)\};", source, re.DOTALL)
    members = [line.split()[0] for body in bodies for line in body.split(";") if line.strip()]
    assert set(members) <= {"int32_t", "uint32_t", "struct"}


def test_rows_of_a_packed_mask_are_those_of_the_predictor() -> None:
    assert macro(header("predictor/masked.c"), "ROWS") == MASKED_ROWS


def test_every_kind_of_layer_has_a_number_of_its_own() -> None:
    numbers = [*KIND_NAMES.values()]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_commands_phases_and_breakpoints_are_those_of_the_firmware() -> None:
    commands = {"PREDICT": device.PREDICT, "TRAIN": device.TRAIN}
    assert enumeration(MAILBOX_H, "command") == commands
    assert enumeration(MAILBOX_H, "phase") == {phase.name: int(phase) for phase in Phase}
    breakpoints = enumeration(HALT_H)
    assert breakpoints["HALT_READY"] == device.READY
    assert breakpoints["HALT_CHECKPOINT"] == device.CHECKPOINT


def test_every_status_but_ok_has_an_explanation() -> None:
    statuses = enumeration(MAILBOX_H, "status")
    assert statuses.pop("OK") == 0
    assert set(device.STATUS) == set(statuses.values())
    words = {
        "NOT_AN_IMAGE": "damaged",
        "UNKNOWN_COMMAND": "command",
        "UNKNOWN_LAYER": "layer",
        "UNSUPPORTED": "not supported",
    }
    assert all(words[name] in device.STATUS[number] for name, number in statuses.items())


# --- what an image holds


class ParsedImage:
    """An image read by the C headers alone, as the firmware reads it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        fields = struct_fields(IMAGE_H, "image")
        self.header = dict(zip(fields, self.array(0, "<i4", len(fields)).tolist(), strict=True))
        names = struct_fields(IMAGE_H, "layer")
        table = self.array(4 * len(fields), "<i4", self.header["layer_count"] * len(names))
        rows = table.reshape(-1, len(names)).tolist()
        self.layers = [dict(zip(names, row, strict=True)) for row in rows]

    def array(self, offset: int, dtype: str, count: int) -> NDArray[np.generic]:
        return np.frombuffer(self.content, dtype, count, offset)

    def scored(self, index: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The mask that row_starts and columns describe."""
        layer, rows = self.layers[index], shape[0]
        starts = self.array(layer["row_starts"], "<u4", rows + 1)
        columns = self.array(layer["columns"], "<u2", int(starts[-1]))
        mask = np.zeros((rows, int(np.prod(shape[1:]))), np.bool_)
        for row in range(rows):
            in_row = columns[starts[row] : starts[row + 1]]
            assert (np.diff(in_row.astype(int)) > 0).all(), "columns ascend within a row"
            mask[row, in_row] = True
        return mask.reshape(shape)


def parsed(settings: Method) -> tuple[ParsedImage, Model]:
    model, scales = prepared(SMALL, settings)
    return ParsedImage(encode(lay_out(model, settings), model, scales)), model


@pytest.mark.parametrize("settings", METHODS, ids=lambda settings: settings.label)
def test_image_gives_back_weights_and_scores(settings: Method) -> None:
    image, model = parsed(settings)
    for index in SMALL.weighted:
        layer, weights = image.layers[index], model.weights[index]
        found = image.array(layer["weights"], "<i1", weights.size)
        np.testing.assert_array_equal(found, weights.reshape(-1))
        if settings.sparse:
            mask = image.scored(index, weights.shape)
            np.testing.assert_array_equal(mask, model.scored[index])
            found = image.array(layer["scores"], "<i1", np.count_nonzero(mask))
            np.testing.assert_array_equal(found, model.scores[index][mask])
        elif settings.trains_scores:
            found = image.array(layer["scores"], "<i1", weights.size)
            np.testing.assert_array_equal(found, model.scores[index].reshape(-1))
        else:
            assert layer["scores"] == layer["row_starts"] == layer["columns"] == 0


@pytest.mark.parametrize("settings", METHODS[6:], ids=lambda settings: settings.label)
def test_bits_behind_row_starts_tell_the_scored_edges(settings: Method) -> None:
    model, scales = prepared(SMALL, settings)
    placement = Placement(edges=Edges.BITMAP)
    layout = lay_out(model, settings, placement=placement)
    image = ParsedImage(encode(layout, model, scales))
    assert image.header["flags"] & enumeration(IMAGE_H, "image_flags")["EDGES_BY_BITMAP"]
    for index in SMALL.weighted:
        layer, mask = image.layers[index], model.scored[index]
        rows, length = len(mask), mask[0].size
        starts = image.array(layer["row_starts"], "<u4", rows + 1)
        size = -(-length // 8)
        bits = image.array(layer["row_starts"] + 4 * (rows + 1), "u1", rows * size)
        for row, of_row in enumerate(mask.reshape(rows, -1)):
            found = [bits[row * size + place // 8] >> place % 8 & 1 for place in range(length)]
            np.testing.assert_array_equal(found, of_row)
            assert starts[row + 1] - starts[row] == of_row.sum()
        found = image.array(layer["scores"], "<i1", np.count_nonzero(mask))
        np.testing.assert_array_equal(found, model.scores[index][mask])
        assert layer["columns"] % 8 == 0 < layer["columns"], "scratch for one row's columns"


@pytest.mark.parametrize("settings", METHODS, ids=lambda settings: settings.label)
def test_header_says_what_is_trained_and_how(settings: Method) -> None:
    header = parsed(settings)[0].header
    flags = enumeration(IMAGE_H, "image_flags")
    set_flags = {name for name, bit in flags.items() if header["flags"] & bit}
    expected = {
        "DYNAMIC": settings.dynamic,
        "TRAINS_SCORES": settings.trains_scores,
        "SPARSE_SCORES": settings.sparse,
        "ROUND_NEAREST": settings.rounding is Rounding.NEAREST,
    }
    assert set_flags == {name for name, is_set in expected.items() if is_set}
    assert header["learning_rate_bits"] == settings.learning_rate_bits
    assert header["threshold"] == settings.threshold
    double = settings.double_threshold
    assert header["double_threshold"] == (128 if double is None else double)
    assert header["input_exponent"] == INPUT_EXPONENT
    assert header["first_trained"] == {"all": 0, "dense": 5, "last": 7}[settings.trained_layers]
    assert header["layer_count"] == len(SMALL.layers)


def test_layer_table_describes_the_network() -> None:
    settings = method("niti-static")
    model, scales = prepared(SMALL, settings)
    layout = lay_out(model, settings)
    layers = ParsedImage(encode(layout, model, scales)).layers
    assert [layer["kind"] for layer in layers] == [1, 3, 4, 1, 3, 2, 3, 2]
    for index, layer in enumerate(layers):
        for side, shape in (
            ("in", SMALL.input_shape_of(index)),
            ("out", SMALL.output_shape_of(index)),
        ):
            planes = [layer[f"{side}.{field}"] for field in ("channels", "height", "width")]
            assert planes == [*shape, 1, 1][:3]
        if index in scales:
            scale = scales[index]
            shifts = [layer[f"{phase}_shift"] for phase in ("forward", "backward", "update")]
            bits = settings.learning_rate_bits
            assert shifts == [scale.forward, scale.backward, max(0, scale.gradient_bits - bits)]
            assert layer["exponent"] == model.exponents[index]
    assert (layers[0]["window"], layers[0]["padding"]) == (3, 1)
    assert (layers[3]["window"], layers[3]["padding"]) == (3, 0)
    assert layers[2]["window"] == 2
    assert layers[0]["input_error"] == 0  # nothing before it is trained


def test_layers_whose_edges_may_count_twice_are_kinds_of_their_own() -> None:
    layers = parsed(method("priot-ternary"))[0].layers
    assert [layer["kind"] for layer in layers] == [5, 3, 4, 5, 3, 6, 3, 6]


@pytest.mark.parametrize("settings", METHODS, ids=lambda settings: settings.label)
def test_each_layer_reads_what_the_one_before_wrote(settings: Method) -> None:
    layers = parsed(settings)[0].layers
    for before, after in pairwise(layers):
        assert after["inputs"] == before["outputs"]
        assert after["input_error"] == before["output_error"]
        if after["kind"] == KINDS[ReLU]:
            assert after["outputs"] == after["inputs"], "a ReLU works in place"


@pytest.mark.parametrize("settings", METHODS, ids=lambda settings: settings.label)
def test_size_in_the_header_covers_scratch_beyond_the_encoded_bytes(settings: Method) -> None:
    model, scales = prepared(SMALL, settings)
    layout = lay_out(model, settings)
    content = encode(layout, model, scales)
    assert ParsedImage(content).header["size"] == layout.size > len(content)


def test_static_scales_must_fit_the_method() -> None:
    for settings, wrong in ((METHODS[0], prepared(SMALL, METHODS[1])[1]), (METHODS[1], None)):
        model, _ = prepared(SMALL, settings)
        with pytest.raises(ValueError, match=f"{settings.name}: static scales"):
            encode(lay_out(model, settings), model, wrong)


# --- images that do not fit


@pytest.mark.parametrize("settings", METHODS, ids=lambda settings: settings.label)
def test_refusal_of_a_large_image_holds_a_sum_that_adds_up(settings: Method) -> None:
    model, _ = prepared(SMALL, settings)
    layout = lay_out(model, settings)
    layout.check_fits(layout.size, "the arena")
    with pytest.raises(UserError, match=r"^small does not fit with") as caught:
        layout.check_fits(layout.size - 1, "the arena")
    parts, total, capacity = sum_in_refusal(str(caught.value))
    assert sum(parts.values()) == total == layout.size
    assert capacity == layout.size - 1
    assert parts["weights"] == sum(weights.size for weights in model.weights.values())
    scores = sum(int(mask.sum()) for mask in model.scored.values())
    assert parts.get("scores", 0) == scores
    assert parts.get("columns", 0) == (2 * scores if settings.sparse else 0)
    assert "make the network smaller" in str(caught.value)


def test_rows_too_long_for_sparse_scores_are_refused() -> None:
    network = Network("long", (1, 1, MAX_COLUMNS + 1), (Dense(2),))
    settings = method("priot-s")
    model = with_scores(initial_model(network, 0), settings, 0)
    with pytest.raises(UserError, match=r"^long, dense 1: rows of 65,537 edges are too long"):
        lay_out(model, settings)
    lay_out(model, method("priot"))
