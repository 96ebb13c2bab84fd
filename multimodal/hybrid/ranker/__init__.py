"""The learned ranker: from the features of a candidate to its chance to be a hashtag of the post."""
