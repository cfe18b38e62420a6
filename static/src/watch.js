// The live view of an object's browser: frames are drawn as they come, each said to be seen; who drives sends what
// mouse, keyboard, fingers and clipboard do. The socket is described in browsers/live/socket.py.
import { call, token } from "./js/calls.js";

const PAUSE_MS = [500, 15_000]; // before the first and the latest try to connect again
const ENDED = [4401, 4403, 4404];
const LEAVE_MS = 600; // between two presses of Escape that leave the page
const MOVE_MS = 33; // between two moves that are sent
const COPY_MS = 4_000; // for the page to say what is chosen: browsers wait for it about so long
const PASTE_CHARS = 100_000;
const HEAD_BYTES = 9;
const AGAIN_MS = 500; // between two looks at a command that takes long

export function openView(box) {
  const find = (name) => box.querySelector(`[data-watch-${name}]`);
  const canvas = find("canvas");
  const pen = canvas.getContext("2d");
  const keys = find("keys");
  const said = find("said");
  const drive = find("drive");
  const url = box.querySelector("#watch-url");
  let state = {};
  let socket = null;
  let pause = PAUSE_MS[0];
  let size = { width: 1, height: 1 }; // of the page, in its own dots
  let held = 0; // buttons of the mouse
  let escapedAt = 0;
  let movedAt = 0;
  let busy = "";
  let copying = null; // takes what the page says is chosen

  const isDriving = () => Boolean(state.you) && state.driver === state.you;
  const send = (message) => socket?.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
  const act = (event) => isDriving() && send({ do: "input", events: [event] });

  // What comes

  async function draw(data) {
    const head = new DataView(data);
    const number = head.getUint32(1);
    try {
      const picture = await createImageBitmap(new Blob([new Uint8Array(data, HEAD_BYTES)], { type: "image/jpeg" }));
      if (canvas.width !== picture.width) canvas.width = picture.width;
      if (canvas.height !== picture.height) canvas.height = picture.height;
      pen.drawImage(picture, 0, 0);
      picture.close();
      size = { width: head.getUint16(5), height: head.getUint16(7) };
      canvas.dataset.frame = number;
      show();
    } finally {
      send({ seen: number });
    }
  }

  function show() {
    const isLive = Boolean(state.awake && canvas.dataset.frame);
    canvas.hidden = !isLive;
    find("last")?.toggleAttribute("hidden", isLive);
    find("empty").hidden = isLive || Boolean(find("last"));
    const driver = state.watchers?.[state.driver];
    const driving = isDriving();
    box.dataset.state = driving ? "driving" : isLive ? "live" : "asleep";
    if (keys) {
      keys.hidden = !driving || !isLive;
      find("out").hidden = keys.hidden;
      drive.hidden = !state.may || !isLive;
      find("clips").hidden = keys.hidden;
      find("wake").hidden = !state.may || isLive || !find("last");
      drive.textContent = driving ? "Hand back" : driver ? `Take over from ${driver}` : "Take over";
    }
    let text = busy;
    if (!text && !isLive) text = find("last") ? "Asleep: this is how the page was seen last." : "";
    else if (!text) text = driving ? "You drive." : driver ? `${driver} drives.` : "Live. Nobody drives.";
    if (said.textContent !== text) said.textContent = text;
    if (url && document.activeElement !== url && state.url) url.value = state.url;
    if (find("where")) find("where").textContent = state.url ?? "";
    showTabs();
    showPeople();
  }

  function showTabs() {
    const list = find("tabs");
    const tabs = state.tabs ?? [];
    list.hidden = !tabs.length || !state.awake;
    const told = JSON.stringify([tabs, state.front, state.may]);
    if (list.dataset.told === told) return;
    list.dataset.told = told;
    list.replaceChildren(
      ...tabs.map(({ title, url: at }, number) => {
        const item = document.createElement("li");
        const chosen = document.createElement(state.may ? "button" : "span");
        chosen.textContent = title || at.replace(/^https?:[/][/]/, "") || "New tab";
        chosen.className = "watch-tab";
        if (number === state.front) chosen.setAttribute("aria-current", "true");
        item.append(chosen);
        if (state.may) {
          chosen.type = "button";
          chosen.addEventListener("click", () => run("tab", { tab: number + 1 }));
          const close = document.createElement("button");
          close.type = "button";
          close.className = "watch-close";
          close.textContent = "×";
          close.setAttribute("aria-label", `Close ${chosen.textContent}`);
          close.addEventListener("click", () => run("close", { tab: number + 1 }));
          item.append(close);
        }
        return item;
      }),
    );
  }

  function showPeople() {
    const list = find("people");
    const names = Object.entries(state.watchers ?? {}).map(([who, name]) => (who === state.you ? `${name} (you)` : name));
    const told = names.sort().join("\n");
    list.hidden = !names.length;
    if (list.dataset.told === told) return;
    list.dataset.told = told;
    list.replaceChildren(
      ...names.map((name) => {
        const item = document.createElement("li");
        item.textContent = name;
        return item;
      }),
    );
  }

  // Commands: the same that the terminal has

  function say(text) {
    busy = text;
    show();
    if (text) setTimeout(() => busy === text && say(""), 8_000);
  }
  async function run(name, values, doing = "Working…") {
    say(doing);
    try {
      const { value } = await call(`${box.dataset.watchCalls}.${name}?wait=1`, values);
      const problem = value?.task ? await over(value.task, doing) : null;
      say(problem?.detail ?? "");
    } catch (refusal) {
      say(refusal.message);
    }
  }
  // Waits for a command that takes longer, and says meanwhile what it waits for; gives why it failed, or null.
  async function over(task, doing) {
    for (;;) {
      const response = await fetch(`${box.dataset.watchTasks}?task=${task}`);
      const answer = await response.json().catch(() => ({}));
      if (!response.ok) return answer;
      const { state: how, place, problem } = answer.value;
      if (how === "failed") return problem;
      if (how === "done" || how === "cancelled" || !box.isConnected) return null;
      say(how === "waiting" ? inLine(place) : doing);
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
  const inLine = (place) => `Waiting: ${place > 1 ? `${place} in line` : "next in line"}${state.busy ? ", after the command that runs here now" : ""}.`;

  const wake = () => run("wake", {}, "Waking…");
  find("wake")?.addEventListener("click", wake);

  find("address")?.addEventListener("submit", (event) => {
    event.preventDefault();
    url.blur();
    run("open", { url: url.value });
  });
  find("go")?.addEventListener(
    "submit",
    (event) => {
      const name = event.target.getAttribute("action").split(".").pop();
      event.preventDefault();
      event.stopPropagation();
      run(name, {});
    },
    true,
  );
  for (const [number, button] of [...(find("go")?.querySelectorAll("button") ?? [])].entries())
    button.setAttribute("aria-label", ["Back", "Forward", "Reload"][number]);

  // What a driver does

  const modifiers = (event) => event.altKey * 1 + event.ctrlKey * 2 + event.metaKey * 4 + event.shiftKey * 8;
  function place(event) {
    const edge = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - edge.left) / edge.width) * size.width,
      y: ((event.clientY - edge.top) / edge.height) * size.height,
    };
  }
  function mouse(what, event) {
    const clicks = what === "move" ? 0 : Math.max(1, event.detail);
    act({ type: "mouse", what, ...place(event), button: event.button, held: event.buttons, clicks, modifiers: modifiers(event) });
  }

  drive?.addEventListener("click", () => {
    send({ do: isDriving() ? "hand back" : "drive" });
    if (!isDriving()) keys.dataset.wanted = "yes";
  });

  function listen() {
    keys.addEventListener("mousedown", (event) => {
      event.preventDefault();
      keys.focus({ preventScroll: true });
      held = event.buttons;
      mouse("down", event);
    });
    addEventListener("mouseup", (event) => {
      if (!held) return;
      held = 0;
      mouse("up", event);
    });
    keys.addEventListener("mousemove", (event) => {
      if (event.timeStamp - movedAt < MOVE_MS) return;
      movedAt = event.timeStamp;
      mouse("move", event);
    });
    keys.addEventListener("dragover", (event) => event.preventDefault());
    keys.addEventListener("drop", (event) => {
      event.preventDefault();
      drop([...event.dataTransfer.files], place(event));
    });
    keys.addEventListener("contextmenu", (event) => event.preventDefault());
    keys.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        act({ type: "wheel", ...place(event), dx: event.deltaX, dy: event.deltaY });
      },
      { passive: false },
    );
    for (const [name, what] of [["touchstart", "down"], ["touchmove", "move"], ["touchend", "up"], ["touchcancel", "up"]])
      keys.addEventListener(
        name,
        (event) => {
          event.preventDefault();
          if (what === "down") keys.focus({ preventScroll: true });
          if (what === "move" && event.timeStamp - movedAt < MOVE_MS) return;
          movedAt = event.timeStamp;
          act({ type: "touch", what, points: [...event.touches].map((each) => ({ ...place(each), id: each.identifier })) });
        },
        { passive: false },
      );
    keys.addEventListener("keydown", (event) => {
      if (event.isComposing || event.key === "Process" || event.key === "Unidentified") return; // its text comes as input
      const isCommand = event.ctrlKey || event.metaKey;
      const letter = event.key.toLowerCase();
      if ((isCommand && letter === "v") || (event.shiftKey && event.key === "Insert")) return; // comes as paste
      const isCut = (isCommand && letter === "x") || (event.shiftKey && event.key === "Delete");
      if (isCut || (isCommand && (letter === "c" || event.key === "Insert"))) {
        event.preventDefault();
        copy(isCut ? "cut" : "copy");
        return;
      }
      if (event.key === "Escape") {
        if (event.timeStamp - escapedAt < LEAVE_MS) {
          event.preventDefault();
          drive.focus();
          return;
        }
        escapedAt = event.timeStamp;
      }
      event.preventDefault();
      const isText = event.key.length > 1 ? false : !(event.ctrlKey || event.metaKey);
      // Letters beyond ASCII have no key of their own everywhere: the page gets them as text.
      if (isText && event.key.codePointAt(0) > 126) act({ type: "text", text: event.key });
      else act({ type: "key", what: "down", key: event.key, code: event.code, modifiers: modifiers(event) });
    });
    keys.addEventListener("keyup", (event) => {
      if (event.isComposing) return;
      act({ type: "key", what: "up", key: event.key, code: event.code, modifiers: modifiers(event) });
    });
    const written = () => {
      if (keys.value) act({ type: "text", text: keys.value });
      keys.value = "";
    };
    keys.addEventListener("compositionend", written);
    keys.addEventListener("input", (event) => {
      if (event.isComposing) return;
      if (event.inputType === "deleteContentBackward") {
        for (const what of ["down", "up"]) act({ type: "key", what, key: "Backspace", code: "Backspace", modifiers: 0 });
      }
      written();
    });
    keys.addEventListener("paste", (event) => {
      event.preventDefault();
      const text = event.clipboardData.getData("text/plain");
      if (text.length > PASTE_CHARS) {
        say(`Pasted text of ${text.length.toLocaleString()} characters: ${PASTE_CHARS.toLocaleString()} is the most.`);
      } else act({ type: "paste", text });
    });
    find("copy").addEventListener("click", () => copy("copy"));
    find("take").addEventListener("click", take);
    find("paste").hidden = !navigator.clipboard?.readText;
    find("paste").addEventListener("click", async () => {
      try {
        act({ type: "paste", text: (await navigator.clipboard.readText()).slice(0, PASTE_CHARS) });
      } catch {
        say("Your browser did not give what is in your clipboard. Allow it, or press Ctrl-V.");
      }
    });
  }

  // What is copied in the page goes to the clipboard of who drives: on their key or their click, as browsers ask for.
  function copy(what) {
    const text = new Promise((done, failed) => {
      copying = done;
      setTimeout(() => failed(new Error("The page did not say what is chosen.")), COPY_MS);
    }).then((copied) => {
      if (!copied) throw new Error("Nothing is chosen on the page.");
      return copied;
    });
    act({ type: what });
    const kept = navigator.clipboard?.write
      ? navigator.clipboard.write([new ClipboardItem({ "text/plain": text.then((each) => new Blob([each], { type: "text/plain" })) })])
      : text.then(keep);
    Promise.all([text, kept]).then(
      ([copied]) => say(`Copied ${copied.length.toLocaleString()} characters.`),
      ({ message }) => say(message),
    );
  }
  // What the page itself copied, by a button of its own. Some browsers ask for a click before they take it.
  let offer = "";
  const taken = () => {
    find("take").hidden = true;
    say(`The page copied ${offer.length.toLocaleString()} characters: they are in your clipboard.`);
  };
  function offered(text) {
    offer = text;
    const refused = () => {
      find("take").hidden = false;
      find("take").textContent = `Take what the page copied (${offer.length.toLocaleString()})`;
    };
    if (navigator.clipboard?.writeText) navigator.clipboard.writeText(text).then(taken, refused);
    else refused();
  }
  function take() {
    if (navigator.clipboard?.writeText) {
      navigator.clipboard.writeText(offer).then(taken, () => say("Your browser did not take it. Allow it to."));
      return;
    }
    try {
      keep(offer);
      taken();
    } catch ({ message }) {
      say(message);
    }
  }
  // Where a page came over plain HTTP, browsers have no other way than this.
  function keep(text) {
    keys.value = text;
    keys.select();
    const isKept = document.execCommand("copy");
    keys.value = "";
    if (!isKept) throw new Error("Your browser keeps what is copied from pages over https only.");
  }
  // Files go into the object first: from there the page gets them.
  async function drop(files, at) {
    const names = [];
    for (const file of files) {
      busy = `Sending ${file.name}…`;
      show();
      const name = `dropped/${file.name}`;
      const answer = await fetch(`${box.dataset.watchFiles}?name=${encodeURIComponent(name)}`, {
        method: "POST",
        headers: { "X-CSRFToken": token(), "Content-Type": file.type || "application/octet-stream" },
        body: file,
      });
      if (!answer.ok) {
        say((await answer.json().catch(() => ({}))).detail ?? `${file.name} could not be sent.`);
        return;
      }
      names.push(name);
    }
    busy = "";
    show();
    act({ type: "files", names, ...at });
  }
  if (keys) listen();

  // The socket

  function connect() {
    if (!box.isConnected) return;
    const address = new URL(box.dataset.watch, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      pause = PAUSE_MS[0];
      if (data instanceof ArrayBuffer) {
        draw(data);
        return;
      }
      const told = JSON.parse(data);
      if ("copied" in told) {
        if (told.by_page) offered(told.copied);
        else copying?.(told.copied);
        return;
      }
      state = told;
      if (!state.awake && !state.busy && state.may && state.watchers && "watchWakes" in box.dataset) {
        delete box.dataset.watchWakes; // once: whoever looks at what fell asleep before their eyes wakes it by hand
        wake();
      }
      if (!state.awake) delete canvas.dataset.frame;
      show();
      if (isDriving() && keys?.dataset.wanted && !keys.hidden) {
        delete keys.dataset.wanted;
        keys.focus({ preventScroll: true });
      }
    };
    socket.onclose = ({ code, reason }) => {
      state = {};
      delete canvas.dataset.frame;
      show();
      if (ENDED.includes(code)) {
        said.textContent = `The live view ended: ${reason}`;
        for (const each of box.querySelectorAll("button, input")) each.disabled = true;
        return;
      }
      if (!box.isConnected) return;
      setTimeout(connect, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, PAUSE_MS[1]);
    };
  }
  connect();
  const gone = new MutationObserver(() => {
    if (box.isConnected) return;
    gone.disconnect();
    socket?.close();
  });
  gone.observe(document.body, { childList: true, subtree: true });
}
