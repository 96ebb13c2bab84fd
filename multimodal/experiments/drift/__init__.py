"""How Systems age: period by period, frozen, rolling and refitted, beside the trends that shift meanwhile."""
