"""The DESIGN network (Bansal et al. 2022, doi 10.1109/TCSS.2022.3184307) with weighted fusion, one idea per file.

Letters for sizes: B posts, T tokens, P regions of the image, H remembered posts, M hashtags of a post,
S decoding steps, V vocabulary, D width, E width of a hashtag embedding.
"""
