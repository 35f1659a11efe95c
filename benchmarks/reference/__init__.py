"""The same mathematics in its plainest form, written from the paper's equations: what the package is measured against.

Nothing is cached, batched or fused here, and nothing of the package's own arithmetic is used, so that these forms are a
yardstick for time and memory and a second opinion on values at once.
"""
