"""What does Chromium let a page of another site read? Whoever wrote the Fetch standard into it is the judge."""

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.checks.helpers import needed

#: Asks each URL in four ways; an answer that may not be read is an error to the page, whatever it was.
_ASK = """async (urls) => {
  const may = async (url, how) => { try { await (await fetch(url, how)).text(); return true } catch { return false } }
  return Promise.all(urls.map(async (url) => ({
    read: await may(url, {credentials: 'omit'}),
    cookies: await may(url, {credentials: 'include'}),
    put: await may(url, {method: 'PUT', credentials: 'omit'}),
    put_with_cookies: await may(url, {method: 'PUT', credentials: 'include'}),
  })))
}"""
#: A frame without an origin does the asking.
_FRAMED = """([ask, urls]) => new Promise((done) => {
  const frame = document.createElement('iframe')
  frame.sandbox = 'allow-scripts'
  addEventListener('message', (message) => done(message.data), {once: true})
  frame.srcdoc = `<script>(${ask})(${JSON.stringify(urls)}).then((seen) => parent.postMessage(seen, '*'))</script>`
  document.body.append(frame)
})"""


def reads(endpoints, origins):
    """By case and origin: may it read, with cookies, and may it PUT?"""
    needed(CHROMIUM)
    urls = [f"{one.url}/" for one in endpoints.values()]
    seen = {}
    with sync_playwright() as playwright:
        flags = [
            "--host-resolver-rules=MAP *.acme.test 127.0.0.1",
            # A page from elsewhere asks loopback here, and nobody is there to permit it.
            "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
        ]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *flags])
        for origin in origins:
            page = browser.new_context(ignore_https_errors=True).new_page()
            page.route("**/whoever", lambda route: route.fulfill(content_type="text/html", body="<body></body>"))
            page.goto(f"{'https://framing.example' if origin == 'null' else origin}/whoever")
            # While anything is answered in its place, the browser asks nobody before a PUT.
            page.unroute_all()
            found = page.evaluate(_FRAMED, [_ASK, urls]) if origin == "null" else page.evaluate(_ASK, urls)
            seen |= {(case, origin): one for case, one in zip(endpoints, found, strict=True)}
        browser.close()
    return seen
