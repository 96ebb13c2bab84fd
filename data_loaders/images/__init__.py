"""Pictures: decode, turn upright, check, and recognise the same picture again."""
