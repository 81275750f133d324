// Former talks, kept in this browser and nowhere else: text and times, no sound. At most 50; the oldest goes first.

const MOST_TALKS = 50;
const STORE = "talks";

export class History {
  constructor() {
    this.opening = null;
  }

  async save(talk) {
    await this.run("readwrite", (store) => store.put(talk));
    const all = await this.list();
    for (const { id } of all.slice(MOST_TALKS)) await this.remove(id);
  }

  // The newest first.
  async list() {
    const all = await this.run("readonly", (store) => store.getAll());
    return all.sort((a, b) => b.begun - a.begun);
  }

  remove(id) {
    return this.run("readwrite", (store) => store.delete(id));
  }

  clear() {
    return this.run("readwrite", (store) => store.clear());
  }

  async run(mode, ask) {
    this.opening ??= opened();
    const database = await this.opening;
    return promised(ask(database.transaction(STORE, mode).objectStore(STORE)));
  }
}

function opened() {
  const request = indexedDB.open("stenowire", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
  return promised(request);
}

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
