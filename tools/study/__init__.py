"""Programs that compare ways to do a thing, for the figures of the documentation."""
