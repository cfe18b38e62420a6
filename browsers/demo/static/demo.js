// What the pages of the demo site do by themselves. Each part looks for its own place and does nothing elsewhere.
"use strict"
const at = (selector) => document.querySelector(selector)

// Endless: more cards when the last comes into sight.
const watcher = new IntersectionObserver(async (seen) => {
  const more = seen.find((each) => each.isIntersecting)?.target
  if (!more) return
  watcher.unobserve(more)
  const answer = await fetch(more.dataset.more)
  more.outerHTML = await answer.text()
  watch()
}, { rootMargin: "200px" })
const watch = () => { const more = at("[data-more]"); if (more) watcher.observe(more) }
watch()

// Dialogs.
for (const button of document.querySelectorAll("[data-dialog]")) {
  button.addEventListener("click", () => {
    const say = (text) => { at("#answer").textContent = text }
    const kind = button.dataset.dialog
    if (kind === "alert") { alert("The kettle has boiled."); say("You have seen the alert.") }
    if (kind === "confirm") say(confirm("Water all plants?") ? "You said yes." : "You said no.")
    if (kind === "prompt") { const said = prompt("Which plant?", "mint"); say(said === null ? "You named none." : `You named ${said}.`) }
    if (kind === "own") { at("#own").showModal(); at("#own").onclose = () => say(`You chose ${at("#own").returnValue || "nothing"}.`) }
  })
}

// Memory.
const database = () => new Promise((done, failed) => {
  const request = indexedDB.open("orchard", 1)
  request.onupgradeneeded = () => request.result.createObjectStore("counts")
  request.onsuccess = () => done(request.result)
  request.onerror = () => failed(request.error)
})
const inDatabase = async (work) => {
  const store = (await database()).transaction("counts", "readwrite").objectStore("counts")
  return new Promise((done, failed) => { const asked = work(store); asked.onsuccess = () => done(asked.result); asked.onerror = () => failed(asked.error) })
}
const count = async () => {
  const cookie = Number(document.cookie.match(/visits=(\d+)/)?.[1] ?? 0) + 1
  document.cookie = `visits=${cookie}; path=/; max-age=31536000; samesite=lax`
  localStorage.visits = Number(localStorage.visits ?? 0) + 1
  sessionStorage.visits = Number(sessionStorage.visits ?? 0) + 1
  const indexed = ((await inDatabase((store) => store.get("visits"))) ?? 0) + 1
  await inDatabase((store) => store.put(indexed, "visits"))
  at("#cookie").textContent = cookie
  at("#local").textContent = localStorage.visits
  at("#session").textContent = sessionStorage.visits
  at("#indexed").textContent = indexed
}
if (at("[data-counts]")) {
  count()
  at("#note").value = localStorage.note ?? ""
  at("#note").addEventListener("input", () => { localStorage.note = at("#note").value })
  at("[data-forget]").addEventListener("click", async () => {
    document.cookie = "visits=; path=/; max-age=0"
    localStorage.clear(); sessionStorage.clear()
    await inDatabase((store) => store.clear())
    location.reload()
  })
}

// Paint.
const canvas = at("#paint")
if (canvas) {
  const pen = canvas.getContext("2d")
  let strokes = 0
  const place = (event) => {
    const box = canvas.getBoundingClientRect()
    return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height]
  }
  Object.assign(pen, { lineWidth: 5, lineCap: "round", lineJoin: "round", strokeStyle: "#2f6b43" })
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId)
    pen.beginPath(); pen.moveTo(...place(event))
    at("#strokes").textContent = `${++strokes} strokes`
  })
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) { pen.lineTo(...place(event)); pen.stroke() } })
  at("[data-clear]").addEventListener("click", () => { pen.clearRect(0, 0, canvas.width, canvas.height); strokes = 0; at("#strokes").textContent = "0 strokes" })
}

// Upload: files that are dropped.
const drop = at("[data-drop]")
if (drop) {
  const input = drop.querySelector("input")
  for (const type of ["dragover", "dragleave", "drop"]) drop.addEventListener(type, (event) => {
    event.preventDefault()
    drop.classList.toggle("over", type === "dragover")
    if (type === "drop") input.files = event.dataTransfer.files
  })
}
