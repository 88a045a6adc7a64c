"""Running codecs, this one and others, over recordings: scores, results and the report."""
