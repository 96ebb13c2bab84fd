"""The same as `multimodal-hashtags features`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("features")
