"""Results for reading: Markdown, LaTeX and HTML, each a template over the numbers of :mod:`spnet.analysis`."""
