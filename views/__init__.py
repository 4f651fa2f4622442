"""Read models: each a fold over the log, each disposable."""
