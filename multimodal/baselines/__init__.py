"""Systems that learn no network: what any network has to beat."""
