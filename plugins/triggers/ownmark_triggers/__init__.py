"""Black-box watermarks: secret triggers whose labels only the marked network knows.

Built from small parts that every scheme here composes as it needs:

- `config`: parameters that several schemes share.
- `carriers`: how many keys, and which of the owner's images carry them.
- `stamps`: put a mark on images, and make fresh triggers from unseen ones.
- `poison`: the owner's data with triggers in place of their carriers, and training on it.
- `learning`: training on until every trigger is known.
- `relabel`: marks whose label depends on the image's own.
- `keyed`: choices that follow from a secret.
- `glyphs`: letters as bitmaps. `abstract`: drawn pictures.
- `triggers/`: the extractor; reads any key with tensors `triggers` [N, C, H, W] and `labels` [N].
"""
