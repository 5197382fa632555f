"""Instructions counted in machine code, and the table of them that may not grow."""

from __future__ import annotations

import pytest

import machine_code
from blurbench.backends.cuda.plan import INTERLEAVED
from helpers.cuda_assembly import compiler, disassembler
from helpers.instructions import read, usual_way

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

FEW = ((17, 1, "sm_90"), (31, 1, "sm_90"), (17, 3, "sm_90"))  # the quick run's
EVERY = 5  # of the others, so that each architecture has its turn
GROWTH = 1.005  # as much as the rounding of the table's figures

tools = pytest.mark.skipif(
    compiler() is None or disassembler() is None,
    reason="NVRTC or nvdisasm is missing: install nvidia-cuda-nvrtc and nvidia-cuda-nvdisasm",
)


def test_the_usual_way_has_all_the_sums_and_the_fewest_instructions() -> None:
    way = usual_way(read(LISTING))
    assert (way.multiply_adds, way.instructions) == (2, 8)


def test_a_way_may_be_barred() -> None:
    short = usual_way(read(LISTING), barred=lambda name: name.startswith("BAR"))
    assert (short.multiply_adds, short.instructions) == (1, 5)
    slow = usual_way(read(LISTING), barred=lambda name: name == "LDG.E.128")
    assert (slow.multiply_adds, slow.instructions) == (2, 9)


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
    if f"NVRTC {machine_code.compiler_version()} " not in machine_code.DOCUMENT.read_text("utf-8"):
        pytest.skip("the table is of another NVRTC: make machine-code writes it anew")
    found = machine_code.count(*one)
    instructions, registers = documented()[one]
    assert found.taken.spilled == 0
    assert found.instructions <= GROWTH * instructions
    assert found.taken.registers <= registers


@tools
def test_the_document_is_read_as_it_is_written() -> None:
    size, architectures = 17, tuple(machine_code.PROCESSORS)
    made = machine_code.Count(12.3, machine_code.Resources(80, 0, 1024))
    found = {(one, each): made for one in machine_code.sizes(1) for each in architectures}
    text = "## 1 channel\n" + "".join(machine_code.table(1, found))
    assert machine_code.documented(text)[size, 1, "sm_90"] == (12.3, 80)
