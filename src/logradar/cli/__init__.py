"""The command line."""


def main() -> None:
    """Entry point of the ``logradar`` command."""
