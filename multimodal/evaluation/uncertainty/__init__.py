"""How sure a figure is: intervals, paired tests, effect sizes, means over seeds."""
