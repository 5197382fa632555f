"""Instructions counted in machine code, and the table of them that may not grow."""

from __future__ import annotations

from itertools import product

import pytest

import machine_code
from blurbench.backends.cuda.compiler import source
from blurbench.backends.cuda.plan import INTERLEAVED
from helpers.cuda_assembly import Resources, compiler, disassembler
from helpers.instructions import read, usual_way, way_through
from machine_code_passes import INSIDE, columns_cost, fft_bytes, fft_cost, inside_only

# A loop of which the first part is left early by BRA, a slow load is another way, and the sum
# comes after the barrier; before it a loop that is less work.
LISTING = """
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_0:
        /*0010*/                   FFMA R0, R0, R1, R2 ;
        /*0020*/              @!P0 BRA `(.L_x_0) ;
.L_x_1:
        /*0030*/              @P1 BRA P2, `(.L_x_2) ;
        /*0040*/                   LDG.E.128 R4, desc[UR4][R2.64] ;
        /*0050*/                   BRA `(.L_x_3) ;
.L_x_2:
        /*0060*/                   LDG.E R4, desc[UR4][R2.64] ;
        /*0070*/                   LDG.E R5, desc[UR4][R2.64+0x4] ;
        /*0080*/                   LDG.E R6, desc[UR4][R2.64+0x8] ;
.L_x_3:
        /*0090*/                   FFMA R0, R0, R4, R2 ;
        /*00a0*/              @P3 BRA `(.L_x_1) ;
        /*00b0*/                   BAR.SYNC.DEFER_BLOCKING 0x0 ;
        /*00c0*/                   FFMA R0, R0, R5, R2 ;
        /*00d0*/              @P4 BRA `(.L_x_1) ;
        /*00e0*/                   EXIT ;
"""

# Without a loop, but for the one that comes after the end: two stores, or one, or none.
STRAIGHT = """
        /*0000*/                   FADD R0, R0, R1 ;
        /*0010*/               @P0 EXIT ;
        /*0020*/               @P1 BRA `(.L_x_1) ;
        /*0030*/                   FFMA R0, R0, R1, R2 ;
        /*0040*/                   STG.E desc[UR4][R2.64], R0 ;
        /*0050*/                   FMUL R0, R0, R1 ;
        /*0060*/               @P2 BRA `(.L_x_1) ;
        /*0070*/                   STG.E desc[UR4][R2.64+0x4], R0 ;
.L_x_1:
        /*0080*/                   EXIT ;
.L_x_2:
        /*0090*/                   BRA `(.L_x_2);
"""

FEW = ((17, 1, "sm_90"), (31, 1, "sm_90"), (17, 3, "sm_90"))  # the quick run's
EVERY = 5  # of the others, so that each architecture has its turn
FEW_FFT = ((31, "sm_90"),)
GROWTH = 1.005  # as much as the rounding of the table's figures

tools = pytest.mark.skipif(
    compiler() is None or disassembler() is None,
    reason="NVRTC or nvdisasm is missing: install nvidia-cuda-nvrtc and nvidia-cuda-nvdisasm",
)


def test_the_usual_way_has_all_the_sums_and_the_fewest_instructions() -> None:
    way = usual_way(read(LISTING))
    assert (way.sought, way.instructions) == (2, 8)


def test_a_way_may_be_barred() -> None:
    short = usual_way(read(LISTING), barred=lambda name: name.startswith("BAR"))
    assert (short.sought, short.instructions) == (1, 5)
    slow = usual_way(read(LISTING), barred=lambda name: name == "LDG.E.128")
    assert (slow.sought, slow.instructions) == (2, 9)


def test_of_ways_without_a_loop_the_usual_one_stores_the_most() -> None:
    way = way_through(read(STRAIGHT))
    assert (way.sought, way.instructions, way.floating) == (2, 9, 3)


def test_a_loop_may_be_sought_by_its_stores() -> None:
    stores = LISTING.replace("FFMA R0, R0, R1, R2", "STG.E desc[UR4][R2.64], R0")
    way = usual_way(read(stores), sought="STG")
    assert (way.sought, way.instructions) == (1, 2)


def documented() -> dict[tuple[int, int, str], tuple[float, int]]:
    return machine_code.documented(machine_code.DOCUMENT.read_text("utf-8"))


def test_the_table_has_every_size_of_one_launch() -> None:
    expected = {
        (size, channels, architecture)
        for channels in INTERLEAVED
        for size in machine_code.sizes(channels)
        for architecture in machine_code.PROCESSORS
    }
    assert set(documented()) == expected


def fft_documented() -> dict[tuple[int, str], tuple[float, int]]:
    return machine_code.fft_documented(machine_code.DOCUMENT.read_text("utf-8"))


def test_the_table_has_every_size_of_fft() -> None:
    assert set(fft_documented()) == set(product(machine_code.FFT_SIZES, machine_code.PROCESSORS))


def need_the_tables_compiler() -> None:
    if f"NVRTC {machine_code.compiler_version()} " not in machine_code.DOCUMENT.read_text("utf-8"):
        pytest.skip("the table is of another NVRTC: make machine-code writes it anew")


@tools
@pytest.mark.parametrize(
    "one",
    [
        pytest.param(one, marks=() if one in FEW else pytest.mark.rest("machine code"))
        for number, one in enumerate(documented())
        if one in FEW or number % EVERY == 0
    ],
    ids=str,
)
def test_no_size_costs_more_than_the_table_says(one: tuple[int, int, str]) -> None:
    need_the_tables_compiler()
    found = machine_code.count(*one)
    instructions, registers = documented()[one]
    assert found.taken.spilled == 0
    assert found.instructions <= GROWTH * instructions
    assert found.taken.registers <= registers


@tools
@pytest.mark.parametrize(
    "one",
    [
        pytest.param(one, marks=() if one in FEW_FFT else pytest.mark.rest("machine code"))
        for number, one in enumerate(fft_documented())
        if one in FEW_FFT or number % EVERY == 0
    ],
    ids=str,
)
def test_no_size_of_fft_costs_more_than_the_table_says(one: tuple[int, str]) -> None:
    need_the_tables_compiler()
    size, architecture = one
    found = fft_cost(machine_code.problem_of(size, 1), architecture)
    instructions, registers = fft_documented()[one]
    assert found.taken.spilled == 0
    assert found.instructions <= GROWTH * instructions
    assert found.taken.registers <= registers


@tools
def test_no_more_is_counted_of_a_thread_that_has_more_to_sum_than_its_sums() -> None:
    narrow, wide = (columns_cost(machine_code.problem_of(one, 1), "sm_90") for one in (127, 255))
    # 128 more rows are read for 16 sums, in each of two passes.
    assert wide.floating - narrow.floating == 2 * 128


@tools
@pytest.mark.rest("machine code")
def test_what_is_said_of_separable_against_fft_is_of_these_kernels() -> None:
    need_the_tables_compiler()
    said = machine_code.DOCUMENT.read_text("utf-8")
    assert "".join(machine_code.compared_table()) in said
    assert machine_code.predicted() in said


def test_a_block_of_fft_inside_the_image_asks_for_no_border() -> None:
    text = inside_only(source("fft"))
    assert not any(asked in text for asked, _ in INSIDE)


def test_fft_reads_the_margins_of_its_stretches_and_writes_two_images() -> None:
    # Stretches of 1024 samples, of which 770 are results.
    expected = 2 * (4 + 4 * 1024 / 770)
    assert fft_bytes(machine_code.problem_of(255, 1)) == pytest.approx(expected)


@tools
def test_the_document_is_read_as_it_is_written() -> None:
    size, architectures = 17, tuple(machine_code.PROCESSORS)
    made = machine_code.KernelCount(12.3, Resources(80, 0, 1024))
    found = {(one, each): made for one in machine_code.sizes(1) for each in architectures}
    text = "## 1 channel\n" + "".join(machine_code.table(1, found))
    assert machine_code.documented(text)[size, 1, "sm_90"] == (12.3, 80)
