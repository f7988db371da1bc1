"""Live review rooms: who is in them, what is played, who presents, what is said. It owns rooms and their record.

Media goes through svc_sfu, which it alone calls; notes are svc_annotation's and none of its business.
"""
