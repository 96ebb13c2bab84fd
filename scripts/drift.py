"""The same as `multimodal-hashtags drift`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("drift")
