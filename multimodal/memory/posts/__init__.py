"""What a memory of posts is made of: columns that grow and can be forked, numbers of names, timelines."""
