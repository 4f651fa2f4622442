"""The shell of the product: settings, composition root, command line."""

VERSION = "0.1.0"
