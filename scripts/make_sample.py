"""The same as `multimodal-hashtags make-sample`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("make-sample")
