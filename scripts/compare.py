"""The same as `multimodal-hashtags compare`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("compare")
