"""The same as `multimodal-hashtags demo`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("demo")
