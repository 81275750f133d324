// What the query of the overlay's address may say, and what is wrong with it. Nothing else gets into a style.

const RULES = {
  lines: [/^[1-9]$/u, "1 to 9", (value) => value],
  size: [/^(1[2-9]|[2-9]\d|1\d\d|200)$/u, "12 to 200, in pixels", (value) => `${value}px`],
  font: [/^[\p{L}\p{N} _-]{1,64}$/u, "the name of a font", (value) => `"${value}", system-ui, sans-serif`],
  colour: [/^([0-9a-f]{3}|[0-9a-f]{6})$/iu, "3 or 6 hex digits", (value) => `#${value}`],
  background: [/^([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$/iu, "3, 4, 6 or 8 hex digits", (value) => `#${value}`],
  align: [/^(left|center)$/u, "left or center", (value) => value],
};
const SAME = { color: "colour" };
const STYLES = { background: "behind" };

export function looks(query) {
  const style = {};
  const problems = [];
  for (const [asked, value] of query) {
    const name = SAME[asked] ?? asked;
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : null;
    if (!rule) problems.push(`${asked}: there is no such setting.`);
    else if (!rule[0].test(value)) problems.push(`${asked}: ${rule[1]}.`);
    else style[STYLES[name] ?? name] = rule[2](value);
  }
  return { style, problems };
}
