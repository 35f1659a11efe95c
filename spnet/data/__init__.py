"""From raw scans to prepared volumes on one grid, and the pairs to register."""
