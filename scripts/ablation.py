"""The same as `multimodal-hashtags ablation`, from a checkout."""

from _cli import run

if __name__ == "__main__":
    run("ablation")
