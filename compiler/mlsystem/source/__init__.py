"""From text to a document: YAML 1.2 with the place of every key and value, includes, variables, overrides."""
