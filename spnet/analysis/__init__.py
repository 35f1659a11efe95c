"""From scores to what the paper prints, with the paper's own numbers beside."""
