"""SPnet, the method the paper proposes."""

from spnet.methods.spnet.method import SPnet

__all__ = ["SPnet"]
