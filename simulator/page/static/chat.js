// A telephone: its bubbles as its person sees them, and where the newest message is.

import { make, renew, say, tell, words } from "./dom.js";

const STAGES = ["stored", "listening", "waiting", "thinking", "speaking"];
const TAGS = { bold: "strong", italic: "em", strikethrough: "s", underline: "u", code: "code", pre: "code" };
const MARKS = { "*": "bold", _: "italic", "~": "strikethrough", "`": "code" };
const MARKED = /(^|[\s(¡¿"])([*_~`])(\S(?:[^\n]*?\S)?)\2(?=$|[\s.,;:!?)"])/gm;
const NEAR_PIXELS = 40;

export function showPhone(article, phone, press) {
  const chat = article.querySelector(".chat");
  const follows = chat.scrollHeight - chat.scrollTop - chat.clientHeight < NEAR_PIXELS;
  const known = new Map([...chat.children].map((bubble) => [bubble.dataset.id, bubble]));
  for (const bubble of phone.bubbles) {
    const row = known.get(bubble.id) ?? chat.appendChild(make("div", { "data-id": bubble.id }));
    known.delete(bubble.id);
    showBubble(row, bubble, phone, press);
  }
  for (const gone of known.values()) gone.remove();
  if (follows) chat.scrollTop = chat.scrollHeight;
  tell(article.querySelector(".typing"), phone.typing ? words.typing : "");
  showStage(article, phone);
}

function showBubble(row, bubble, phone, press) {
  row.className = `bubble ${bubble.who}${bubble.grows ? " grows" : ""}`;
  row.setAttribute("aria-busy", String(bubble.grows));
  renew(row, bubble, () => {
    const who = bubble.who === "person" ? phone.name : words.assistant;
    const parts = [make("span", { class: "who" }, `${who}: `), ...styled(bubble, phone.key)];
    if (bubble.who === "person") {
      parts.push(make("span", { class: "sent" }, bubble.accepted ? `✓ ${words.accepted}` : `… ${words.on_its_way}`));
    }
    const buttons = bubble.buttons.map((button) =>
      make("button", { type: "button", onclick: () => press(phone.key, bubble.id, button.data) }, button.text),
    );
    return [make("p", {}, ...parts), ...buttons];
  });
}

// Telegram tells which parts are bold; on WhatsApp people see marks in the text.
function styled(bubble, key) {
  const entities = key === "telegram" ? bubble.entities : marked(bubble.text);
  const hidden = key === "telegram" ? new Set() : new Set(entities.flatMap((one) => [one.offset - 1, one.offset + one.length]));
  const edges = new Set([0, bubble.text.length, ...[...hidden].flatMap((place) => [place, place + 1])]);
  for (const { offset, length } of entities) edges.add(offset).add(offset + length);
  const places = [...edges].sort((one, other) => one - other);
  return places.slice(0, -1).flatMap((start, number) => {
    if (hidden.has(start)) return [];
    const text = document.createTextNode(bubble.text.slice(start, places[number + 1]));
    const covering = entities.filter((one) => one.offset <= start && start < one.offset + one.length && TAGS[one.type]);
    return [covering.reduce((inner, one) => make(TAGS[one.type], {}, inner), text)];
  });
}

function marked(text) {
  return [...text.matchAll(MARKED)].map((found) => {
    const offset = found.index + found[1].length + 1;
    return { type: MARKS[found[2]], offset, length: found[3].length };
  });
}

function showStage(article, phone) {
  const now = STAGES.indexOf(phone.stage);
  for (const step of article.querySelectorAll(".stages li")) {
    const place = STAGES.indexOf(step.dataset.stage);
    step.classList.toggle("done", place < now);
    step.toggleAttribute("aria-current", false);
    if (place === now) step.setAttribute("aria-current", "step");
  }
  tell(article.querySelector(".standing"), standing(phone));
}

function standing(phone) {
  if (phone.stage === "rest" || phone.stage === "unknown") return words[phone.stage];
  if (phone.orphaned) return say("orphaned", { seconds: Math.ceil(phone.lease / 1000) });
  const held = phone.holder ? ` · ${say("held", { worker: phone.holder })}` : "";
  return words[phone.stage] + held;
}
