"""Pictures: decode, orient, guard, recognise again."""
