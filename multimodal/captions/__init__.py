"""The caption branch: text-only tweet models, each a System of its own."""
