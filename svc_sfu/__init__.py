"""Forwards media packets of live reviews from who publishes to who watches. It never decodes.

It owns packets and transports; it knows no people and no rights: svc_signaling, its only caller, decides who may what.
"""
