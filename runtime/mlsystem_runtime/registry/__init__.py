"""Model versions: what a model directory holds, which versions there are, which of them answer."""
