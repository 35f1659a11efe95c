"""SPnet, reproduced: methods, metrics and evaluation of Zhang et al. (2023)."""

__version__ = "0.1.0"
