"""How fast exported models answer, as ratios within one run."""
