"""One image at one kernel size: every implementation predicted, prepared, raced and recorded."""
