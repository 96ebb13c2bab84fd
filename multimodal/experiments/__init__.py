"""Many trainings and evaluations, side by side: Systems in one table, the parts of one System one by one."""
