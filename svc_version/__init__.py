"""Saved states of the notes of every video: owns the version tree, its contents and tiers, and work on documents that
takes several batches (going back, carrying notes to the next cut).

It does not own the notes: it reads and writes them through svc_annotation, by the rights of whoever asks.
"""
