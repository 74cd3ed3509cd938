"""Scripts that make or check what is committed; not part of the package."""
