"""Optimizers that treat a block's weight as a matrix, each for the matrices alone: AdamW moves all else."""
