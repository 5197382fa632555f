"""What a duration covers, and what is measured beside the cells."""

from __future__ import annotations

RANKING_SCOPE = "end_to_end"
# What is measured outside any race, on a device alone.
ALONE = (
    *("upload", "download", "upload_pinned", "download_pinned"),
    *("end_to_end_pipelined", "launch", "compute_graph"),
)
SCOPES = ("compute", "end_to_end", *ALONE)
COPY = "copy"  # of an array of the image's size
DIFFERENCE = "difference"  # of separable and direct
