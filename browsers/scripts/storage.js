// What a page's origin keeps, as JSON: run in a page, `collect` gives it and `restore` puts it back.
// Values of IndexedDB are written as trees whose marked nodes are {$: what, …}; every object has a number, for circles.
(() => {
  const base64 = (buffer) => {
    const bytes = new Uint8Array(buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(text);
  };
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0)).buffer;
  const asked = (request) => new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
    request.onblocked = () => failed(new Error("blocked"));
  });

  const encode = async (value, seen) => {
    switch (typeof value) {
      case "undefined": return {$: "undefined"};
      case "bigint": return {$: "bigint", v: String(value)};
      case "number": return Number.isFinite(value) && !Object.is(value, -0) ? value : {$: "number", v: Object.is(value, -0) ? "-0" : String(value)};
      case "object": break;
      default: return value;
    }
    if (value === null) return null;
    if (seen.has(value)) return {$: "same", n: seen.get(value)};
    const n = seen.size;
    seen.set(value, n);
    const all = async (items) => { const out = []; for (const each of items) out.push(await encode(each, seen)); return out; };
    if (value instanceof Date) return {$: "date", v: value.getTime(), n};
    if (value instanceof RegExp) return {$: "regexp", v: value.source, f: value.flags, n};
    if (value instanceof Map) return {$: "map", v: await all([...value].flat()), n};
    if (value instanceof Set) return {$: "set", v: await all(value), n};
    if (value instanceof Blob) return {$: "blob", v: base64(await value.arrayBuffer()), t: value.type, name: value.name, n};
    if (value instanceof ArrayBuffer) return {$: "buffer", v: base64(value), n};
    if (ArrayBuffer.isView(value)) return {$: "view", t: value.constructor.name, v: base64(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength)), n};
    if (value instanceof Error) return {$: "error", t: value.name, v: value.message, n};
    if (Array.isArray(value)) return {$: "array", v: await all(value), n};
    const keys = Object.keys(value);
    return {$: "object", k: keys, v: await all(keys.map((key) => value[key])), n};
  };

  const decode = (node, made) => {
    if (node === null || typeof node !== "object") return node;
    const keep = (value) => { made[node.n] = value; return value; };
    switch (node.$) {
      case "undefined": return undefined;
      case "bigint": return BigInt(node.v);
      case "number": return Number(node.v);
      case "same": return made[node.n];
      case "date": return keep(new Date(node.v));
      case "regexp": return keep(new RegExp(node.v, node.f));
      case "blob": return keep(node.name === undefined ? new Blob([bytes(node.v)], {type: node.t}) : new File([bytes(node.v)], node.name, {type: node.t}));
      case "buffer": return keep(bytes(node.v));
      case "view": return keep(new globalThis[node.t](bytes(node.v)));
      case "error": return keep(Object.assign(new Error(node.v), {name: node.t}));
      case "array": { const out = keep([]); for (const each of node.v) out.push(decode(each, made)); return out; }
      case "set": { const out = keep(new Set()); for (const each of node.v) out.add(decode(each, made)); return out; }
      case "map": { const out = keep(new Map()); for (let at = 0; at < node.v.length; at += 2) out.set(decode(node.v[at], made), decode(node.v[at + 1], made)); return out; }
      default: { const out = keep({}); node.k.forEach((key, at) => { out[key] = decode(node.v[at], made); }); return out; }
    }
  };

  const database = async (known) => {
    const db = await asked(indexedDB.open(known.name));
    try {
      const stores = [];
      for (const name of db.objectStoreNames) {
        const store = db.transaction(name).objectStore(name);
        const [keys, values] = await Promise.all([asked(store.getAllKeys()), asked(store.getAll())]);
        const indexes = [...store.indexNames].map((each) => store.index(each))
          .map((each) => ({name: each.name, path: each.keyPath, unique: each.unique, multi: each.multiEntry}));
        const rows = [];
        for (const [at, value] of values.entries())
          rows.push([store.keyPath === null ? await encode(keys[at], new Map()) : null, await encode(value, new Map())]);
        stores.push({name, path: store.keyPath, auto: store.autoIncrement, indexes, rows});
      }
      return {name: db.name, version: db.version, stores};
    } finally {
      db.close();
    }
  };

  const databases = async () => {
    const found = [];
    for (const each of await indexedDB.databases()) {
      try { found.push(await database(each)); } catch { /* being changed just now: what was kept of it stays */ }
    }
    return found;
  };

  const entries = (storage) => Object.fromEntries(Object.keys(storage).map((key) => [key, storage.getItem(key)]));
  const quietly = async (ask, otherwise) => { try { return await ask(); } catch { return otherwise; } };

  return {
    collect: async () => JSON.stringify({
      origin: location.origin,
      local: await quietly(() => entries(localStorage), {}),
      session: await quietly(() => entries(sessionStorage), {}),
      databases: await quietly(databases, []),
      scroll: [Math.round(scrollX), Math.round(scrollY)],
    }),
    restore: async (kept) => {
      for (const [key, value] of Object.entries(kept.local || {})) localStorage.setItem(key, value);
      for (const [key, value] of Object.entries(kept.session || {})) sessionStorage.setItem(key, value);
      for (const each of kept.databases || []) {
        const request = indexedDB.open(each.name, each.version);
        request.onupgradeneeded = () => {
          for (const store of each.stores) {
            const made = request.result.createObjectStore(store.name, {keyPath: store.path, autoIncrement: store.auto});
            for (const index of store.indexes) made.createIndex(index.name, index.path, {unique: index.unique, multiEntry: index.multi});
          }
        };
        const db = await asked(request);
        for (const store of each.stores) {
          if (!store.rows.length) continue;
          const filling = db.transaction(store.name, "readwrite");
          for (const [key, value] of store.rows) {
            const row = decode(value, []);
            if (store.path === null) filling.objectStore(store.name).put(row, decode(key, []));
            else filling.objectStore(store.name).put(row);
          }
          await new Promise((done, failed) => { filling.oncomplete = done; filling.onabort = () => failed(filling.error); });
        }
        db.close();
      }
    },
  };
})()
