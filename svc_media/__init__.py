"""Owns videos: their ids and facts, uploads, the files made of them, jobs. Not: projects, notes, rights."""
