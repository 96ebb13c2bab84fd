"""The metrics: from rankings and truth to one value per post and a table of one row per K."""
