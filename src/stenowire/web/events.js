// Server-sent events, read with a key in the header, which the browser's own reader cannot send. It comes again, with
// growing and uneven pauses, for as long as the key is accepted.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10000;

// `on.began()` with each connection, `on[event](data)` for each event, `on.refused()` once and for all.
export async function follow(path, key, on) {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await fetch(path, { headers: { authorization: `Bearer ${key}` }, cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) {
        on.refused();
        return;
      }
      if (answer.ok) {
        tries = 0;
        on.began();
        await read(answer.body, on);
      }
    } catch {
      // The link is down; it is tried again below.
    }
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries) * (0.5 + Math.random());
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function read(body, on) {
  const decoder = new TextDecoder();
  let text = "";
  for (const reader = body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) tell(block, on);
  }
}

function tell(block, on) {
  const fields = block.split("\n").map((line) => line.split(/: (.*)/su));
  const kind = fields.find(([name]) => name === "event")?.[1];
  const data = fields.find(([name]) => name === "data")?.[1];
  if (kind && data) on[kind]?.(JSON.parse(data));
}
