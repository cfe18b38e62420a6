"""Ways by which a page or its user gets a browser to an address: by name, what is typed or what the page does.

A page's way is a function of the address, `to`; where it gives a promise, the way is over when that is settled. `PORT`
is the port of what must not be reached.
"""

TYPED = {
    "an address": "http://127.0.0.1:PORT/",
    "a name": "http://localhost:PORT/",
    "a name below localhost": "http://any.localhost:PORT/",
    "one number": "http://2130706433:PORT/",
    "hexadecimal": "http://0x7f000001:PORT/",
    "octal": "http://0177.0.0.1:PORT/",
    "a short form": "http://127.1:PORT/",
    "another of loopback": "http://127.0.0.1.:PORT/",
    "no address": "http://0.0.0.0:PORT/",
    "IPv6": "http://[::1]:PORT/",
    "IPv4 in IPv6": "http://[::ffff:7f00:1]:PORT/",
    "IPv4 in IPv6, dotted": "http://[::ffff:127.0.0.1]:PORT/",
    "with a user name that looks like a site": "http://example.com@127.0.0.1:PORT/",
    "full-width digits": "http://１２７.０.０.１:PORT/",
    "TLS": "https://127.0.0.1:PORT/",
    "a site's redirect": "http://evil.localhost:EVIL/to?http://127.0.0.1:PORT/",
    "two redirects": "http://evil.localhost:EVIL/to?http://evil.localhost:EVIL/to?http://127.0.0.1:PORT/",
}

_ELEMENT = """(to) => new Promise(done => {
  const made = Object.assign(document.createElement('%s'), %s)
  made.onload = made.onerror = done
  document.body.append(made)
})"""

BY_A_PAGE = {
    "location": "(to) => { location = to }",
    "meta refresh": """(to) => { const m = document.createElement('meta'); m.httpEquiv = 'refresh';
        m.content = '0;url=' + to; document.head.append(m) }""",
    "fetch": "(to) => fetch(to).catch(() => 0)",
    "fetch of a redirect": "(to) => fetch('/to?' + to).catch(() => 0)",
    "fetch without CORS": "(to) => fetch(to, {mode: 'no-cors'}).catch(() => 0)",
    "XMLHttpRequest": """(to) => new Promise(done => { const x = new XMLHttpRequest(); x.onloadend = done;
        x.open('POST', to); x.send('x') })""",
    "image": _ELEMENT % ("img", "{src: to}"),
    "script": _ELEMENT % ("script", "{src: to}"),
    "style sheet": _ELEMENT % ("link", "{rel: 'stylesheet', href: to}"),
    "frame": _ELEMENT % ("iframe", "{src: to}"),
    "frame of a redirect": _ELEMENT % ("iframe", "{src: '/to?' + to}"),
    "sandboxed frame": _ELEMENT % ("iframe", "{sandbox: 'allow-scripts', src: to}"),
    "frame of a blob": """(to) => new Promise(done => { const f = document.createElement('iframe');
        f.src = URL.createObjectURL(new Blob([`<img src="${to}">`], {type: 'text/html'}));
        f.onload = done; document.body.append(f) })""",
    "object": _ELEMENT % ("object", "{data: to}"),
    "font": "(to) => new FontFace('x', `url(${to})`).load().catch(() => 0)",
    "video": """(to) => new Promise(done => { const v = document.createElement('video');
        v.onerror = v.onloadeddata = done; v.src = to; document.body.append(v) })""",
    "worker": """(to) => new Promise(done => { const w = new Worker('/worker.js'); w.onmessage = done;
        w.postMessage(to) })""",
    "service worker": """async (to) => { await navigator.serviceWorker.register('/sw.js');
        const r = await navigator.serviceWorker.ready
        await new Promise(done => { navigator.serviceWorker.onmessage = done; r.active.postMessage(to) }) }""",
    "EventSource": "(to) => new Promise(done => { const e = new EventSource(to); e.onopen = e.onerror = done })",
    "beacon": "(to) => { navigator.sendBeacon(to, 'x') }",
    "form": """(to) => { const f = document.createElement('form'); f.method = 'post'; f.action = to;
        document.body.append(f); f.submit() }""",
    "popup": "(to) => { window.open(to) }",
    "popup of a redirect": "(to) => { window.open('/to?' + to) }",
    "ping": """(to) => { const a = document.createElement('a'); a.href = '#x'; a.ping = to; document.body.append(a);
        a.click() }""",
    "download": """(to) => { const a = document.createElement('a'); a.href = '/to?' + to; a.download = 'x';
        document.body.append(a); a.click() }""",
    "prefetch": _ELEMENT % ("link", "{rel: 'prefetch', href: to}"),
    "preload": _ELEMENT % ("link", "{rel: 'preload', as: 'image', href: to}"),
    "module": "(to) => import(to).catch(() => 0)",
    "WebSocket": """(to) => new Promise(done => { const s = new WebSocket(to.replace('http', 'ws'));
        s.onopen = s.onclose = done })""",
    "WebRTC": """(to) => new Promise(done => {
        const c = new RTCPeerConnection({iceServers: [{urls: to.replace('http://', 'stun:').replace(/[/]$/, '')}]})
        c.createDataChannel('x'); c.onicegatheringstatechange = () => c.iceGatheringState === 'complete' && done()
        setTimeout(done, 1000); c.createOffer().then(o => c.setLocalDescription(o)) })""",
    "WebRTC over TCP": """(to) => new Promise(done => {
        const at = to.replace('http://', 'turn:').replace(/[/]$/, '') + '?transport=tcp'
        const c = new RTCPeerConnection({iceServers: [{urls: at, username: 'u', credential: 'c'}]})
        c.createDataChannel('x'); c.onicegatheringstatechange = () => c.iceGatheringState === 'complete' && done()
        setTimeout(done, 1000); c.createOffer().then(o => c.setLocalDescription(o)) })""",
    "WebTransport": """async (to) => { try { await new WebTransport(to.replace('http', 'https')).ready } catch {} }""",
}

# What Chromium starts before anything is asked for. Whether it does so is its choice, so nothing is waited for.
AHEAD = {
    "preconnect": "(to) => { const l = document.createElement('link'); l.rel = 'preconnect'; l.href = to;"
    " document.head.append(l) }",
    "speculation": """(to) => { const s = document.createElement('script'); s.type = 'speculationrules';
        s.textContent = JSON.stringify({prefetch: [{source: 'list', urls: [to]}]}); document.head.append(s) }""",
}

TO_FILES = {
    "location": "(to) => { location = to }",
    "frame": "(to) => { const f = document.createElement('iframe'); f.src = to; document.body.append(f) }",
    "popup": "(to) => { window.open(to) }",
    "link": "(to) => { const a = document.createElement('a'); a.href = to; document.body.append(a); a.click() }",
    "fetch": "(to) => fetch(to).then(r => r.text()).then(t => { document.title = t }).catch(() => 0)",
    "redirect": "(to) => { location = '/to?' + to }",
    "view-source": "(to) => { location = 'view-source:' + to }",
    "form": "(to) => { const f = document.createElement('form'); f.action = to; document.body.append(f); f.submit() }",
}
