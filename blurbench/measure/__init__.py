"""How long it takes: clocks, rounds, stopping, statistics. Times callables, knows no blurs."""
