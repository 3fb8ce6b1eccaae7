"""What a validation looks at: shards, documents, and what nobody has asked for."""
