"""Derivatives of decoders by the lattice's coordinates: two tangents per cell (in a box three), never a Jacobian.

`metric` composes plane, decoder and embedding, chooses a way to differentiate, and contracts tangents to tensors;
`forward` pushes value and tangents through the decoder as one stack, by the `forward_rules` for common layers and by
PyTorch's forward mode for all else; `reverse` serves operations that have no forward-mode derivative.
"""
