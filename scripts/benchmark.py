"""The same as `multimodal-hashtags benchmark`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("benchmark")
