"""The shell of the product: settings, composition root, command line."""
