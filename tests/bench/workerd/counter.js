// The work of the benchmarks as a Durable Object: POST /o/NAME/incr|sql, and a socket at /o/NAME/ws.
// Answers leave through the output gate, after the write is confirmed, as Grove's do.
import { DurableObject } from "cloudflare:workers";

export class Counter extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.sql = state.storage.sql;
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS ev(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
      INSERT OR IGNORE INTO counter VALUES ('n', 0);`);
  }

  incr() {
    return this.sql.exec("UPDATE counter SET value = value + 1 WHERE name = 'n' RETURNING value").one().value;
  }

  rows(body) {
    this.sql.exec("INSERT INTO ev(kind, body) VALUES ('bench', ?)", body);
    return this.sql.exec("SELECT id, kind, body FROM ev ORDER BY id DESC LIMIT 10").toArray();
  }

  fetch(request) {
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server, new URL(request.url).searchParams.get("sub") ? ["sub"] : []);
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, text) {
    const { id, cmd, data } = JSON.parse(text);
    let value;
    if (cmd === "incr") {
      value = this.incr();
    } else if (cmd === "publish") {
      const message = JSON.stringify({ ev: "pub", data });
      const listeners = this.ctx.getWebSockets("sub");
      for (const listener of listeners) listener.send(message);
      value = listeners.length;
    }
    socket.send(JSON.stringify({ id, value }));
  }

  webSocketClose(socket, code) {
    socket.close(code);
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, , name, command] = url.pathname.split("/");
    if (!name) return new Response("ready\n");
    const object = env.COUNTER.getByName(name);
    if (command === "ws") {
      if (url.searchParams.get("token") !== env.TOKEN) return new Response("no\n", { status: 401 });
      return object.fetch(request);
    }
    if (request.headers.get("authorization") !== `Bearer ${env.TOKEN}`) return new Response("no\n", { status: 401 });
    const body = await request.json();
    const value = command === "sql" ? await object.rows(body.data) : await object.incr();
    return Response.json({ value });
  },
};
