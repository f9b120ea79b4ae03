"""Measures of sequence decoders, by the chain rule over tokens: exact over the next token, sampled over prefixes.

`prefixes` samples sequences and evaluates them in batches; `divergences` compares next-token distributions along them;
`derivatives` differentiates logits by the plane's coordinates; `chain_rule` sums over places to a metric field with
its standard error.
"""
