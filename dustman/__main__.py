"""`python -m dustman`, the same as the command `dustman`."""

from dustman.cli import main

main()
