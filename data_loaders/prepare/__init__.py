"""From a dump to a prepared folder, in two passes; the splits, the vocabulary and the card that belong to it."""
