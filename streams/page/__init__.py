"""The page: a small read-only web app over ClickHouse.

`queries` asks, `source` carries questions to ClickHouse and keeps answers while the data stays the same, `shapes`
makes trees and series of them, `answers` puts them together, `events` tells browsers that the data changed, `app` has
the routes. `static/` is the page itself, as browsers get it: no build step, no request to anywhere else.
"""

from streams.page.app import create

__all__ = ["create"]
