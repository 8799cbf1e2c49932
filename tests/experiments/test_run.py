"""priot run on the firmware set: every program, from flash, copied to SRAM, and loaded there."""

import json
import re
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from priot import firmware_elf
from priot.experiments.cli import main
from priot.sim import FaultReason, Pico
from priot.sim.loading.elf_file import ElfFile
from priot.sim.session import Console, Ending, Limits, run_session

LINK_TYPES = ("default", "copy_to_ram", "no_flash")
PASSING = ("self_measure", "divider", "recursion", "heap", "sleep", "timer_interrupts")


def built(program: str, link_type: str = "no_flash", suffix: str = "elf") -> str:
    return str(firmware_elf.BUILT / f"{program}.{link_type}.{suffix}")


def record_of(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """The record of one run that ended with the record's own exit code."""
    path = tmp_path / "run.json"
    code = main(["run", *arguments, "--json", str(path)])
    record: dict[str, Any] = json.loads(path.read_text())
    assert record["exit_code"] == code
    return record


@pytest.mark.parametrize("link_type", LINK_TYPES)
def test_hello_reaches_standard_output(
    link_type: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    record = record_of(tmp_path, built("hello", link_type))
    assert capfdbinary.readouterr().out == b"Hello from an RP2040\n"
    assert record["output"] == "Hello from an RP2040\n"
    assert (record["exit_code"], record["halt_reason"]) == (0, "exit")
    assert record["clock_hz"] == 125_000_000  # the program sets its PLL so
    assert record["unmodelled"] == []


TYPED = b"hello\nthis is more than the sixty-four bytes that fit into one packet of USB\nbye\n"


@pytest.mark.parametrize("link_type", LINK_TYPES)
def test_a_usb_serial_port_is_input_and_output(
    link_type: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    keys = tmp_path / "keys"
    keys.write_bytes(TYPED)
    record = record_of(tmp_path, built("usb_serial", link_type), "--usb-in", str(keys))
    shown = capfdbinary.readouterr()
    expected = b"open, baud 115200\nready\n" + TYPED.upper() + b"bytes %d\n" % len(TYPED)
    expected += b"closed\n"  # which the host fetches when the program is at its end
    assert shown.out == expected == record["output"].encode()
    assert b"priot: USB" not in shown.err
    assert (record["exit_code"], record["halt_reason"]) == (0, "exit")
    assert 0.2 < record["seconds"] < 0.3  # most of it is the reset of the bus


def test_one_standard_input_for_one_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", built("usb_serial"), "--usb-in", "-", "--uart-in", "-"]) == 2
    assert "one of them can have the standard input" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["uf2", "bin"])
def test_uf2_and_bin_run_like_the_elf(tmp_path: Path, suffix: str) -> None:
    elf = record_of(tmp_path, built("hello", "default"))
    other = record_of(tmp_path, built("hello", "default", suffix))
    for key in ("output", "cycles", "instructions", "exit_code", "xip"):
        assert other[key] == elf[key]


@pytest.mark.parametrize("link_type", LINK_TYPES)
@pytest.mark.parametrize("program", PASSING)
def test_programs_that_check_themselves_pass(program: str, link_type: str, tmp_path: Path) -> None:
    record = record_of(tmp_path, built(program, link_type))
    assert record["output"].endswith("PASS\n"), record["output"]
    assert (record["exit_code"], record["halt_reason"]) == (0, "exit")


@pytest.mark.parametrize("link_type", LINK_TYPES)
@pytest.mark.parametrize(
    ("program", "told"),
    [
        # A period of 2.5 * 9 cycles, high for 3 of 9; the core ends 9,000 cycles some late.
        ("pio", r"pulses 40[01]\nper cent high 33\nwords 6\n.* 5000 turns 50\n"),
        # (TOP + 1) * DIV cycles a period, five times; 33 of 99.
        ("pwm", r"free: .* 50\n.* 2.5: .* 125\n.*correct: .* 100\nrises 10\nper cent high 33\n"),
        # Eight frames of 9.5 bits, and the code around them; 0x08 to 0x77.
        ("serial_buses", r"spi: loopback\n.* 8 frames 7[67]\n.* kept 8\n.* an answer 112\n"),
    ],
)
def test_programs_of_peripherals_see_what_the_datasheet_says(
    program: str, told: str, link_type: str, tmp_path: Path
) -> None:
    record = record_of(tmp_path, built(program, link_type))
    assert re.fullmatch(told + "PASS\n", record["output"]), record["output"]
    assert (record["exit_code"], record["halt_reason"]) == (0, "exit")


@pytest.mark.parametrize("link_type", LINK_TYPES)
def test_pio_hears_spi_and_i2c_and_a_uart_hears_pio(link_type: str, tmp_path: Path) -> None:
    program = built("serial_lines", link_type)
    record = record_of(tmp_path, program, "--wire", "9:10")
    assert record["output"] == "spi: heard\ni2c: heard\nuart: heard\nPASS\n"
    assert record["exit_code"] == 0
    alone = record_of(tmp_path, program)
    assert alone["output"] == "spi: heard\ni2c: heard\nuart: nothing came\nFAIL\n"
    assert alone["exit_code"] == 1


@pytest.mark.parametrize("link_type", LINK_TYPES)
def test_a_copy_by_dma_costs_a_core_what_two_of_four_banks_cost(
    link_type: str, tmp_path: Path
) -> None:
    """docs/cores.md tells how much.

    The DMA reads one bank and writes another in each cycle, so half of the core's accesses find
    their bank in use. By turns they lose every other time, behind the DMA each time, a cycle each.
    """
    output = record_of(tmp_path, built("dma_copy", link_type))["output"]
    assert output.endswith("PASS\n"), output
    copy, alone, beside, behind = (int(found) for found in re.findall(r"\d+", output))
    turns, cycles, loads, fetches = 768, 12, 2, 5
    assert 0 <= alone - turns * cycles < 50
    accesses = turns * (loads + fetches * (link_type != "default"))
    assert beside - alone == pytest.approx(accesses / 4, rel=0.1)
    assert behind - alone == pytest.approx(accesses / 2, rel=0.1)
    if link_type == "default":  # elsewhere what waits for the DMA fetches from its banks
        assert 0 <= copy - 64 * 1024 // 4 < 50


def test_a_program_that_measures_itself_gets_the_manuals_cycles(tmp_path: Path) -> None:
    """SysTick, read in the middle of blocks, is exact in all link types."""
    outputs = {
        record_of(tmp_path, built("self_measure", link_type))["output"] for link_type in LINK_TYPES
    }
    assert len(outputs) == 1
    assert "loads 200\n" in outputs.pop()


@pytest.mark.parametrize("link_type", LINK_TYPES)
def test_floats_come_from_the_boot_rom(link_type: str, tmp_path: Path) -> None:
    output = record_of(tmp_path, built("floats", link_type))["output"]
    assert re.search(r"^fadd [0-9a-f]{8}$", output, re.MULTILINE), output
    assert "no tables" not in output


def test_stack_high_water_of_deep_recursion(tmp_path: Path) -> None:
    record = record_of(tmp_path, built("recursion"))
    told = int(re.search(r"stack (\d+)", record["output"])[1])
    assert told <= record["stack_high_water_bytes"] <= told + 200


@pytest.mark.parametrize("link_type", LINK_TYPES)
def test_the_exit_code_is_the_programs(link_type: str, tmp_path: Path) -> None:
    assert record_of(tmp_path, built("exit_code", link_type))["exit_code"] == 3


def test_an_endless_program_meets_its_timeout(tmp_path: Path) -> None:
    record = record_of(tmp_path, built("endless"), "--timeout", "20")
    assert (record["exit_code"], record["halt_reason"]) == (124, "timeout")
    assert record["seconds"] == pytest.approx(0.02, rel=1e-4)


@pytest.mark.parametrize(
    ("option", "text", "code", "reason"),
    [
        ("--expect-text", "for ever", 0, "expected text"),
        ("--fail-text", "for ever", 1, "failure text"),
    ],
)
def test_text_ends_a_run(option: str, text: str, code: int, reason: str, tmp_path: Path) -> None:
    record = record_of(tmp_path, built("endless"), option, text, "--timeout", "1000")
    assert (record["exit_code"], record["halt_reason"]) == (code, reason)
    assert record["seconds"] < 0.5


def test_expected_text_that_never_comes_is_failure(tmp_path: Path) -> None:
    record = record_of(tmp_path, built("hello"), "--expect-text", "Goodbye")
    assert (record["exit_code"], record["halt_reason"]) == (1, "exit")


def test_json_on_standard_output_is_alone_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", built("hello"), "--json", "-"]) == 0
    assert json.loads(capfd.readouterr().out)["output"] == "Hello from an RP2040\n"


def test_pins_as_vcd_on_standard_output_are_alone_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", built("hello"), "--vcd", "-", "--wire", "2:3", "--wire", "3:4:5"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("$timescale 1 ps $end")
    assert len(re.findall(r"\$var wire 1 \S GPIO\d+ \$end", out)) == 30


def test_pins_as_vcd_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pins.vcd"
    record = record_of(tmp_path, built("hello"), "--vcd", str(path))
    end = int(path.read_text().splitlines()[-1].removeprefix("#"))
    assert end == pytest.approx(record["seconds"] * 1e12, abs=1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--wire", "0:30"), "--wire 0:30: name GPIOs from 0 to 29, as in 0:1"),
        (("--wire", "0-1"), "--wire 0-1: name GPIOs"),
        (("--wire", "7:7"), "--wire 7:7: a wire connects two GPIOs or more"),
        (("--wire", "0:1", "--engine", "unicorn"), "the engine unicorn has no peripherals"),
        (("--vcd", "p.vcd", "--engine", "unicorn"), "Unicorn has no pins"),
        (("--vcd", "-", "--json", "-"), "one of them can have the standard output"),
    ],
)
def test_wires_and_pins_that_cannot_be(
    options: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", built("hello"), *options]) == 2
    assert told in capsys.readouterr().err


def test_xip_cache_costs_cycles_only_in_flash(tmp_path: Path) -> None:
    def cycles(link_type: str, *options: str) -> int:
        return int(record_of(tmp_path, built("divider", link_type), *options)["cycles"])

    assert cycles("default") > cycles("default", "--xip-miss", "20")
    assert cycles("default", "--xip-miss", "20") > cycles("default", "--no-xip-cache")
    assert cycles("no_flash") == cycles("no_flash", "--no-xip-cache")


def test_the_record_names_how_the_cache_behaves(tmp_path: Path) -> None:
    def model(*options: str, link_type: str = "default") -> dict[str, object] | None:
        found: dict[str, object] | None = record_of(tmp_path, built("hello", link_type), *options)[
            "xip_model"
        ]
        return found

    assert model() == {"miss_cycles": 50, "replacement": "random", "seed": 0}
    given = ("--xip-miss", "45", "--xip-replacement", "lru", "--xip-seed", "7")
    assert model(*given) == {"miss_cycles": 45, "replacement": "lru", "seed": 7}
    assert model(link_type="no_flash") is None


@pytest.mark.parametrize(("link_type", "lost"), [("no_flash", 0.022), ("default", 0.120)])
def test_a_pair_of_programs_loses_some_time_on_the_bus(
    tmp_path: Path, link_type: str, lost: float
) -> None:
    """docs/cores.md tells how much."""
    output = record_of(tmp_path, built("two_cores", link_type))["output"]
    assert output.endswith("PASS\n")
    alone, both = (int(found) for found in re.findall(r"\d+", output))
    assert both / alone - 1 == pytest.approx(lost, abs=0.001)


def test_program_for_two_cores_runs_without_options(tmp_path: Path) -> None:
    record = record_of(tmp_path, str(firmware_elf.TRAINERS["dual"]))
    assert record["halt_reason"] == "breakpoint"


def test_profile_of_two_cores_adds_up(tmp_path: Path) -> None:
    profile = tmp_path / "p.json"
    record = record_of(tmp_path, str(firmware_elf.TRAINERS["dual"]), "--profile", str(profile))
    assert json.loads(profile.read_text())["cycles"] >= record["cycles"]


def asks_for_a_reset(path: Path, base: int) -> str:
    """A program that does so (AIRCR.SYSRESETREQ) as soon as it begins."""
    code = (0x4801, 0x4902, 0x6001, 0xE7FE)  # ldr r0, =AIRCR; ldr r1, =...; str r1, [r0]; b .
    words = (0x2004_2000, base + 9), (0xE000_ED0C, 0x05FA_0004)
    path.write_bytes(struct.pack("<2I4H2I", *words[0], *code, *words[1]))
    return str(path)


def test_resets_are_bounded(tmp_path: Path) -> None:
    path = asks_for_a_reset(tmp_path / "sysreset.bin", 0x1000_0000)
    record = record_of(tmp_path, path, "--resets", "3")
    assert (record["halt_reason"], record["exit_code"]) == ("reset", 1)
    once = record_of(tmp_path, path, "--resets", "0")
    assert once["cycles"] < record["cycles"] <= 4 * once["cycles"]


def test_a_reset_with_no_program_in_flash_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = record_of(tmp_path, asks_for_a_reset(tmp_path / "sysreset.bin", 0x2000_0000))
    assert (record["halt_reason"], record["exit_code"]) == ("usb boot", 1)
    assert "flash holds no program to boot" in capsys.readouterr().err


def test_every_kind_of_profile_is_written_and_adds_up(tmp_path: Path) -> None:
    names = (
        "p.txt",
        "p.lines.txt",
        "p.instructions.txt",
        "p.callgrind",
        "p.collapsed",
        "p.speedscope.json",
        "p.json",
    )
    options = [part for name in names for part in ("--profile", str(tmp_path / name))]
    record = record_of(tmp_path, built("divider", "default"), *options)
    assert json.loads((tmp_path / "p.json").read_text())["cycles"] == record["cycles"]
    collapsed = (tmp_path / "p.collapsed").read_text().splitlines()
    assert sum(int(line.rsplit(" ", 1)[1]) for line in collapsed) == record["cycles"]
    scope = json.loads((tmp_path / "p.speedscope.json").read_text())
    assert sum(scope["profiles"][0]["weights"]) == record["cycles"]
    assert f"{record['cycles']:,}" in (tmp_path / "p.txt").read_text()
    assert (tmp_path / "p.callgrind").read_text().startswith("# callgrind format")


def test_memory_report_as_table_json_and_picture(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--memory",
        "--memory",
        str(tmp_path / "m.json"),
        "--memory",
        str(tmp_path / "m.png"),
    ]
    record = record_of(tmp_path, built("heap", "default"), *options)
    report = json.loads((tmp_path / "m.json").read_text())
    assert report["heap"]["high_water"] >= 15_000
    assert report["stacks"][0]["high_water"] == record["stack_high_water_bytes"]
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
    assert "heap: " in capfd.readouterr().out


def test_diff_of_two_runs_and_of_two_profiles(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, option in (("a", "--xip-miss=45"), ("b", "--no-xip-cache")):
        record_of(
            tmp_path,
            built("divider", "default"),
            option,
            "--profile",
            str(tmp_path / f"{name}.json"),
        )
        (tmp_path / "run.json").rename(tmp_path / f"{name}.run.json")
    capfd.readouterr()
    assert main(["diff", str(tmp_path / "a.run.json"), str(tmp_path / "b.run.json")]) == 0
    assert re.search(r"^xip.stall_cycles ", capfd.readouterr().out, re.MULTILINE)
    assert main(["diff", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    assert "-" in capfd.readouterr().out
    assert main(["diff", str(tmp_path / "a.json"), str(tmp_path / "a.json")]) == 0
    assert capfd.readouterr().out == "no difference\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.elf"], "none.elf: cannot be read"),
        ([__file__], "not an ELF file"),
        ([built("hello"), "--timeout", "0"], "--timeout 0"),
        ([built("hello"), "--clock", "0.5"], "--clock 0.5"),
        ([built("hello"), "--xip-miss", "-1"], "--xip-miss -1"),
        ([built("hello"), "--xip-seed", "-1"], "--xip-seed -1: give 0 to 4294967295"),
        ([built("hello"), "--files", "nowhere"], "--files nowhere"),
        ([built("hello"), "--profile", "p.pdf"], "--profile p.pdf"),
        ([built("hello"), "--memory", "m.bmp"], "--memory m.bmp"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert told in printed.err


def test_damaged_line_tables_are_told_before_a_run_that_needs_them(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = bytearray(Path(built("hello")).read_bytes())
    elf = ElfFile(bytes(image), "hello")
    table = next(one for one in elf.sections if elf.name_of(one) == ".debug_line")
    image[table.offset + 4] = 9  # the version of DWARF
    path = tmp_path / "damaged.elf"
    path.write_bytes(image)
    assert main(["run", str(path), "--profile", str(tmp_path / "p.lines.txt")]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.endswith(
        "damaged.elf: damaged ELF file (line tables of DWARF 9); build it again\n"
    )
    assert main(["run", str(path)]) == 0


def test_diff_of_what_is_no_record(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "text.json").write_text("text")
    for name, told in (("list", "not the record"), ("text", "not JSON"), ("no", "cannot be read")):
        path = str(tmp_path / f"{name}.json")
        assert main(["diff", path, path]) == 2
        assert told in capfd.readouterr().err


def test_callgrind_annotate_reads_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "p.callgrind"
    record = record_of(tmp_path, built("recursion"), "--profile", str(path))
    try:
        done = subprocess.run(["callgrind_annotate", path], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("callgrind_annotate is not installed (Debian's valgrind)")
    assert re.search(rf"{record['cycles']:,} \(100.0%\)\s+PROGRAM TOTALS", done.stdout), done.stdout


@pytest.mark.parametrize("link_type", LINK_TYPES)
@pytest.mark.parametrize(
    ("mode", "reason", "function"),
    [
        (0, FaultReason.ARM_STATE, None),  # address 0 is in the boot ROM, and even
        (1, FaultReason.UNALIGNED, "main"),
        (3, FaultReason.READ, "main"),
        (4, FaultReason.UNDEFINED, "main"),
        (5, FaultReason.STACK_OVERFLOW, "overflow"),
    ],
)
def test_each_wild_access_ends_in_its_report(
    mode: int, reason: FaultReason, function: str | None, link_type: str
) -> None:
    pico = Pico(built("wild_pointer", link_type))
    pico.write("mode", np.uint32(mode))
    console = Console()
    outcome = run_session(pico, console, Limits(timeout_ms=1000))
    assert (outcome.ending, outcome.exit_code) == (Ending.FAULT, 139)
    assert outcome.fault is not None
    assert outcome.fault.reason is reason
    assert b"survived" not in console.output
    if function is not None:
        assert f"{function}+0x" in str(outcome.fault)
        assert "programs/wild_pointer.c:" in outcome.fault.report()
