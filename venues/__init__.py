"""Adapters, one per venue: translation and one client, nothing else."""
