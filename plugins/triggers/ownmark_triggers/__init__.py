"""Black-box watermarks: secret triggers whose labels only the marked network knows.

Built from small parts that every scheme here composes as it needs:

- `config`: parameters that several schemes share.
- `carriers`: how many keys, and which of the owner's images carry them.
- `stamps`: put a mark on images, and make fresh triggers from unseen ones.
- `poison`: the owner's data with triggers in place of their carriers, and training on it.
- `glyphs`: letters as bitmaps.
- `triggers/`: the extractor; reads any key with tensors `triggers` [N, C, H, W] and `labels` [N].
"""
