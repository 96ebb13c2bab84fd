"""The hybrid: the candidates of many sources in one table, and a ranker above them."""
