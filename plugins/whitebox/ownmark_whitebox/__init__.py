"""White-box watermarks: messages in weights. One folder per paper; see the method cards beside the code."""
