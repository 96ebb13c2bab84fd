"""Words of the caption, labelled as hashtags or not."""
