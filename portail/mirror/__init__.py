"""A small CKAN over the datasets on this machine: a WSGI application with the portal's addresses.

Inside a process it is the offline mode; ``portail serve`` makes it the portal of a room; in tests
it is the counterpart. It knows word search in titles and keywords, exact filters, paging, sorting
and counts: a micro-CKAN, not Solr. What it cannot search it refuses with CKAN's own kind of error.
Every answer says in a header what kind of rows it holds and of what date, so that nobody takes them
for live ones.
"""

from portail.mirror.application import Mirror, local_mirror

__all__ = ["Mirror", "local_mirror"]
