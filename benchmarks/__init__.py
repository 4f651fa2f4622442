"""Figures of the running product, each beside a reference measured in the same run and a stated limit."""
