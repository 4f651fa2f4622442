"""The Celery app, its tasks, and the loops they run."""
