"""The notes of every video: owns the log, the fold, numbers, epoch, snapshots and history.

It does not own videos (svc_media), people and rights (svc_project) or saved versions (svc_version).
"""
