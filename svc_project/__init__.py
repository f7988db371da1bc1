"""People, sign-in, rights, projects, assets and the audit chain.

Owns: tenants, people, sessions, signing keys, invitations, roles, projects, assets and their cuts, the audit chain.
Does not own: videos and their files (svc_media), notes (svc_annotation), cookies (gateway).
"""
