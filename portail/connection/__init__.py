"""The portal as a ``requests.Session``: live, or answered from the dated copy, and saying which.

Lessons write real addresses, ``portal.get("https://open.canada.ca/data/api/action/package_search",
…)``. The adapter sends them where the mode in force says: to the portal, to a room's mirror
(``PORTAIL_URL``), or to the mirror inside this process, which needs no network, no thread and no
socket.
"""
