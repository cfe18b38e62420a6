// A recording of a browser: the video, the line of time beneath it and the list beside it go together. Without scripts
// the list is links into the video, and lanes are hidden and shown by the style sheet alone.
const NEAR_MS = 60; // a picture of the video, about

export function openRecording(box) {
  const find = (name) => box.querySelector(`[data-rec-${name}]`);
  const video = find("video");
  const list = find("list");
  const scrub = find("scrub");
  const chart = find("chart");
  const now = find("now");
  if (!video || !chart) return;
  const length = Number(box.dataset.recLength);
  const width = chart.viewBox.baseVal.width;
  const items = [...(list?.children ?? [])].map((item) => ({ item, at: Number(item.dataset.at), link: item.firstElementChild }));
  const isShown = ({ item }) => item.offsetParent !== null;
  let current = null;
  let chosen = null; // the entry that was clicked: of several at one moment, it is the one that is marked
  let wanted = null; // where to go, while the video has not gone where it was sent before

  scrub.hidden = false;
  now.removeAttribute("hidden");

  function seek(ms, entry = null) {
    chosen = entry;
    wanted = Math.max(0, Math.min(ms, length));
    mark(wanted);
    if (!video.seeking) go();
  }
  function go() {
    if (wanted === null) return;
    const end = Number.isFinite(video.duration) ? video.duration : length / 1_000;
    video.currentTime = Math.min(wanted / 1_000, end);
    wanted = null;
  }
  video.addEventListener("seeked", go);

  function mark(ms) {
    scrub.value = ms;
    scrub.setAttribute("aria-valuetext", `${(ms / 1_000).toFixed(1)} seconds`);
    for (const name of ["x1", "x2"]) now.setAttribute(name, (width * ms) / length);
    if (chosen && Math.abs(ms - chosen.at) > NEAR_MS) chosen = null;
    const last = chosen ?? items.findLast((each) => each.at <= ms + 1 && isShown(each)) ?? null;
    if (last === current) return;
    current?.link.removeAttribute("aria-current");
    if (current) chart.querySelector(`[data-number="${current.item.dataset.number}"]`)?.classList.remove("is-now");
    current = last;
    if (!current) return;
    current.link.setAttribute("aria-current", "true");
    chart.querySelector(`[data-number="${current.item.dataset.number}"]`)?.classList.add("is-now");
    if (list.contains(document.activeElement) && video.paused) return; // a reader goes through it at their own pace
    const { offsetTop: top, offsetHeight: height } = current.item;
    if (top < list.scrollTop || top + height > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
  }

  // While it plays, the line follows each picture; else it goes where the video was put.
  function play() {
    if (!box.isConnected) return;
    if (wanted === null) mark(video.currentTime * 1_000);
    if (!video.paused) requestAnimationFrame(play);
  }
  video.addEventListener("play", play);
  video.addEventListener("timeupdate", () => video.paused && wanted === null && mark(video.currentTime * 1_000));

  scrub.addEventListener("input", () => seek(Number(scrub.value)));
  chart.addEventListener("pointerdown", (event) => {
    const rect = event.target.closest("[data-number]");
    const entry = rect && items.find(({ item }) => item.dataset.number === rect.dataset.number);
    if (entry) {
      seek(entry.at, entry);
      return;
    }
    const follow = ({ clientX }) => {
      const edge = chart.getBoundingClientRect();
      seek(((clientX - edge.left) / edge.width) * length);
    };
    follow(event);
    chart.setPointerCapture(event.pointerId);
    chart.addEventListener("pointermove", follow);
    chart.addEventListener("lostpointercapture", () => chart.removeEventListener("pointermove", follow), { once: true });
  });

  list?.addEventListener("click", (event) => {
    const entry = items.find(({ link }) => link.contains(event.target));
    if (!entry || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    seek(entry.at, entry);
  });
  list?.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const shown = items.filter(isShown);
    const at = shown.findIndex(({ link }) => link === document.activeElement);
    shown[Math.max(0, Math.min(at + by, shown.length - 1))]?.link.focus();
  });
  box.addEventListener("change", (event) => event.target.dataset.lane && mark(video.currentTime * 1_000));
  mark(video.currentTime * 1_000);
}
