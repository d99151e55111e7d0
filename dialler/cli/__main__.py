"""`python -m dialler.cli` is `dialler`, where no console script is installed."""

from dialler.cli import main

main()
