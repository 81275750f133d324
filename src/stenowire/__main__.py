"""`python -m stenowire` is the command `stenowire`."""

from stenowire.cli.main import run

if __name__ == "__main__":
    run()
