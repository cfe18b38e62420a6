# A Durable Object with SQLite on disk, served on loopback; `beside.py` starts it.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .counter),
    (name = "storage", disk = (path = "storage", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:9801", http = (), service = "main")],
);

const counter :Workerd.Worker = (
  compatibilityDate = "2026-06-01",
  modules = [(name = "counter.js", esModule = embed "counter.js")],
  durableObjectNamespaces = [(className = "Counter", uniqueKey = "counter", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [(name = "COUNTER", durableObjectNamespace = "Counter"), (name = "TOKEN", text = "bench-token")],
);
