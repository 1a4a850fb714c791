// Looks at the demo again and again, shows what is there, and passes on what is done on the page.

import { tell, words } from "./dom.js";
import { showPhone } from "./chat.js";
import { showAnswers, showVerdict, showWays, showWorkers } from "./behind.js";

const BUSY_MS = 150;
const REST_MS = 500;
const language = document.documentElement.lang;
const word = document.querySelector("meta[name=page-word]").content;
const trouble = document.getElementById("trouble");
let wake = () => {};

function complain(text) {
  trouble.hidden = !text;
  tell(trouble, text);
}

async function change(path, what) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Page-Word": word },
      body: JSON.stringify({ ...what, language }),
    });
    complain(answer.ok ? "" : words.refused);
    wake();
    return answer.ok;
  } catch {
    complain(words.gone);
    return false;
  }
}

function show(state) {
  const writing = !state.burst?.running;
  for (const phone of state.phones) {
    const article = document.querySelector(`[data-phone=${phone.key}]`);
    showPhone(article, phone, (key, bubble, data) => change("/press", { phone: key, bubble, data }));
    article.querySelector("form button").setAttribute("aria-disabled", String(!writing));
  }
  showWorkers(document.getElementById("workers"), state.workers, (worker) => change("/kill", { worker }));
  showVerdict(document.getElementById("verdict"), state.burst);
  showWays(document.getElementById("ways"), state.ways);
  showAnswers(document.getElementById("answers"), document.getElementById("answers-told"), state.answers);
  document.getElementById("burst").setAttribute("aria-disabled", String(state.busy));
}

async function look() {
  try {
    const answer = await fetch("/state");
    if (!answer.ok) throw new Error(String(answer.status));
    const state = await answer.json();
    show(state);
    if (trouble.textContent === words.gone) complain("");
    return state.busy ? BUSY_MS : REST_MS;
  } catch (error) {
    complain(words.gone);
    if (!(error instanceof TypeError)) console.warn(error);
    return REST_MS;
  }
}

async function watch() {
  for (;;) {
    const ms = await look();
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, ms);
    });
    if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = form.elements.text;
    const text = input.value.trim();
    if (!text || form.querySelector("button").getAttribute("aria-disabled") === "true") return;
    input.value = "";
    const phone = form.closest("[data-phone]").dataset.phone;
    if (!(await change("/say", { phone, text })) && !input.value) input.value = text;
  });
}
document.getElementById("burst").addEventListener("click", ({ currentTarget }) => {
  if (currentTarget.getAttribute("aria-disabled") !== "true") change("/burst", {});
});
watch();
