"""How a blur is computed: arithmetic valid in more than one array namespace `xp`."""
