"""What the GPU backends reach on this machine; `make gpu-check` runs it, from the bare tree.

Every question is put by a process of its own, with a limit on its time, so that one that hangs or
breaks its GPU context leaves the others. `programme` is the order of the questions.
"""
