"""The command line: one file a command; parses, asks one study, hands the answer to report."""
