"""So that tests in the folders below find `peer_systems`: pytest puts the folder of a conftest on the path."""
