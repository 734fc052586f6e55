"""Optimizers for the blocks' matrices alone. AdamW moves all else."""
