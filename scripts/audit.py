"""The same as `multimodal-hashtags audit`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("audit")
