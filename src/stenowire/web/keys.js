// Who we are to the server. A browser cannot set the header of a WebSocket, and a page should hold no permanent key: the
// key that is typed, or comes behind the # of the address, is changed at once for a key of this page, good for 12 hours.

import { Refusal } from "./refusal.js";

const PLACE = "stenowire.key";
const MARGIN_S = 60;

export function pageKey() {
  const kept = read(sessionStorage) ?? read(localStorage);
  return kept && kept.expires_at - MARGIN_S > Date.now() / 1000 ? kept.key : "";
}

export async function exchange(key, remember) {
  const answer = await ask("/api/v1/page-keys", key);
  forget();
  (remember ? localStorage : sessionStorage).setItem(PLACE, JSON.stringify(answer));
}

export function forget() {
  sessionStorage.removeItem(PLACE);
  localStorage.removeItem(PLACE);
}

// The key in the link that the server prints; it leaves the address, and so the history.
export function linkKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key") ?? "";
  if (key) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

// A key that can read the captions of that name and nothing else, for 30 days.
export async function viewKey(name) {
  const path = `/api/v1/captions/${encodeURIComponent(name)}/keys?expire_in_seconds=${30 * 86400}`;
  return (await ask(path, pageKey())).key;
}

// Whether the server still takes our key; null when it cannot be asked.
export async function accepted() {
  try {
    await ask("/api/v1/captions/check/keys", pageKey());
    return true;
  } catch (error) {
    return error instanceof Refusal ? false : null;
  }
}

async function ask(path, key) {
  const answer = await fetch(path, { method: "POST", headers: { authorization: `Bearer ${key}` } });
  if (answer.ok) return answer.json();
  if (answer.status === 401 || answer.status === 403) throw new Refusal("The server does not accept this key.");
  throw new Error(`The server answered ${answer.status}.`);
}

function read(storage) {
  try {
    return JSON.parse(storage.getItem(PLACE) ?? "null");
  } catch {
    return null;
  }
}
