"""Rehearsals: a config's real way through data, model and adapter, in half a minute on a CPU."""
