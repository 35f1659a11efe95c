"""Speed and memory of the package against plain reference forms of the same mathematics and against other packages."""
