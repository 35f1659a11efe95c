"""Two scans as they came, registered: prepared, matched on the common grid, and brought back to native space."""
