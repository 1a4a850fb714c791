// What the page does itself: the tab's right to its conversation, what was typed and not sent, and light or dark.
// It runs before Gradio's own scripts.
(() => {
  "use strict";
  const TAB = "recado-tab", DRAFT = "recado-draft", THEME = "recado-theme";
  const NEAR_PIXELS = 60;
  const LOOK_MS = 100, LOOKS = 150;
  const NEWS_MS = 2000, ANSWER_MS = 10000, AFTER = 2, ANYWAY = 30;
  const root = document.documentElement;

  let tab = sessionStorage.getItem(TAB) || "";
  if (!/^[0-9a-f]{32}$/.test(tab)) {
    const bits = crypto.getRandomValues(new Uint8Array(16));
    tab = Array.from(bits, (bit) => bit.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem(TAB, tab);
  }

  const ask = window.fetch.bind(window);
  window.fetch = (what, how = {}) => {
    const url = new URL(what instanceof Request ? what.url : what, location.href);
    if (url.origin !== location.origin) return Promise.reject(new TypeError("nothing is fetched from outside"));
    const headers = new Headers(how.headers || (what instanceof Request ? what.headers : undefined));
    headers.set("X-Recado-Tab", tab);
    return ask(what, { ...how, headers }).then((answer) => {
      if (answer.status === 401) location.assign("/login");
      return answer;
    });
  };

  // Gradio's own words are in the page's language, whatever the browser's is.
  Object.defineProperty(navigator, "language", { get: () => root.lang });
  Object.defineProperty(navigator, "languages", { get: () => [root.lang] });

  // Gradio reads its theme from the address.
  const address = new URL(location.href);
  const chosen = localStorage.getItem(THEME);
  if (chosen === "dark" || chosen === "light") {
    address.searchParams.set("__theme", chosen);
    history.replaceState(null, "", address);
  }
  const isDark = () => document.body.classList.contains("dark");
  function turn(button) {
    document.body.classList.toggle("dark");
    localStorage.setItem(THEME, isDark() ? "dark" : "light");
    button.setAttribute("aria-pressed", String(isDark()));
  }

  // What keeps a model's words from being HTML is nobody's words: it is not in what is copied.
  const JOINER = "\u2060";
  document.addEventListener("copy", (copied) => {
    const words = String(getSelection());
    if (!words.includes(JOINER)) return;
    copied.clipboardData.setData("text/plain", words.replaceAll(JOINER, ""));
    copied.preventDefault();
  });
  if (navigator.clipboard) {  // on this machine, or by https
    const write = navigator.clipboard.writeText.bind(navigator.clipboard);
    navigator.clipboard.writeText = (words) => write(String(words).replaceAll(JOINER, ""));
  }

  const field = () => document.querySelector("#field textarea");
  const lastWords = () => Array.from(document.querySelectorAll("#chat [data-testid=user]"), (one) => one.innerText).pop() || "";

  // What was typed and not sent is there after a reload, unless it was sent after all.
  function restore() {
    const draft = sessionStorage.getItem(DRAFT);
    sessionStorage.removeItem(DRAFT);
    if (!draft || field().value || lastWords().trim() === draft.trim()) return;
    field().value = draft;
    field().dispatchEvent(new Event("input", { bubbles: true }));
  }
  addEventListener("pagehide", () => {
    if (field() && field().value.trim()) sessionStorage.setItem(DRAFT, field().value);
  });

  function name() {
    const note = document.getElementById("note"), stop = document.getElementById("stop");
    const log = document.querySelector("#chat [role=log]");
    if (!note || !stop || !log || !field()) return false;
    note.setAttribute("role", "status");
    log.setAttribute("aria-label", root.dataset.conversation);
    log.tabIndex = 0;
    // An answer is read aloud when it is whole, and not piece by piece.
    new MutationObserver(() => log.setAttribute("aria-busy", String(!stop.disabled)))
      .observe(stop, { attributes: true, attributeFilter: ["disabled"] });
    rename();
    new MutationObserver(rename).observe(document.getElementById("chat"), { childList: true, subtree: true });
    follow(log);
    return true;
  }

  // Gradio calls its example questions a list, which may hold no buttons, and names them and other things in English.
  function rename() {
    for (const list of document.querySelectorAll("#chat .examples[role=list]")) {
      list.setAttribute("role", "group");
      for (const one of list.querySelectorAll("button")) one.removeAttribute("aria-label");
    }
    for (const [who, name] of [["user", root.dataset.you], ["bot", root.dataset.assistant]]) {
      for (const one of document.querySelectorAll(`#chat [data-testid=${who}]`)) {
        one.setAttribute("role", "group");
        one.setAttribute("aria-label", name);
      }
    }
    for (const one of document.querySelectorAll("#chat .copy_code_button")) one.title = root.dataset.copy;
    for (const one of document.querySelectorAll("#chat li > input")) one.setAttribute("aria-label", one.parentElement.innerText);
    for (const one of document.querySelectorAll("#chat pre, #chat .message-content")) {
      if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
    }
  }

  // Gradio tells in English, and in a corner, that its server is gone; it loads the page again when it is back.
  function tellGone() {
    for (const [part, words] of [[".toast-title", root.dataset.gone], ["[data-testid=toast-text]", root.dataset.comesBack]]) {
      for (const one of document.querySelectorAll(part)) {
        if (one.textContent !== words) one.textContent = words;
      }
    }
  }

  // What grows is followed, unless its reader has scrolled up. (Gradio's own way takes whoever scrolls back again.)
  function follow(log) {
    let follows = true, asked = 0;
    const toEnd = () => { if (follows) log.scrollTop = log.scrollHeight; };
    log.addEventListener("scroll", () => { follows = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PIXELS; });
    new MutationObserver(() => {
      const questions = log.querySelectorAll("[data-testid=user]").length;
      follows ||= questions > asked;
      asked = questions;
      toEnd();
    }).observe(log, { childList: true, subtree: true, characterData: true });
    new ResizeObserver(toEnd).observe(log);
  }

  // Who has pressed what goes away keeps a place on the page; on a telephone no keyboard comes up for it. When it goes
  // away is the network's to say.
  function keepFocus(pressed) {
    const place = matchMedia("(pointer: coarse)").matches ? document.querySelector("#chat [role=log]") : field();
    let looks = LOOKS;
    const look = () => {
      const here = document.activeElement;
      if (here === document.body || (here === pressed && pressed.disabled)) place.focus();
      else if (here === pressed && --looks) setTimeout(look, LOOK_MS);
    };
    setTimeout(look, LOOK_MS);
  }

  // Something may come that nobody here asked for: an answer after a reload, or the owner's. Whether it did costs little to
  // ask; only then is the conversation read, twice, for Gradio drops what is pressed while an earlier look ends; and once a
  // minute, whatever is said. A tab that nobody sees asks nothing.
  let heard = "", same = 0;
  async function askNews() {
    if (document.hidden) return;
    const news = await fetch("/news", { signal: AbortSignal.timeout(ANSWER_MS) }).then((answer) => answer.text()).catch(() => "gone");
    const noted = document.getElementById("note")?.innerText.trim();  // what it says may be over by now
    if (news !== heard || news.endsWith("due") || noted) same = 0;
    heard = news;
    if (same++ % ANYWAY < AFTER) document.getElementById("look")?.click();
  }
  async function keepAsking() {
    for (;;) {
      await new Promise((done) => setTimeout(done, NEWS_MS));
      await askNews();
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    keepAsking();
    document.addEventListener("visibilitychange", askNews);
    const button = document.getElementById("dark");
    button.addEventListener("click", () => turn(button));
    new MutationObserver(() => button.setAttribute("aria-pressed", String(isDark())))
      .observe(document.body, { attributes: true, attributeFilter: ["class"] });
    const waiting = new MutationObserver(() => {
      if (!name()) return;
      waiting.disconnect();
      setTimeout(restore, 1000);
    });
    waiting.observe(document.body, { childList: true, subtree: true });
    new MutationObserver(tellGone).observe(document.body, { childList: true, subtree: true });
    document.addEventListener("click", (pressed) => {
      const button = pressed.target.closest?.("#chat .example, #orders button");
      if (button) keepFocus(button);
    });
    document.addEventListener("keydown", (pressed) => {
      const stop = document.getElementById("stop");
      if (pressed.key === "Escape" && stop && !stop.disabled) stop.click();
    });
  });
})();
