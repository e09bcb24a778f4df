"""What is asked: declarations only. No torch, no network."""
