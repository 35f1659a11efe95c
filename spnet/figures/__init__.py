"""Pictures of what was measured: a module per kind of figure, each with `draw(material)`."""
