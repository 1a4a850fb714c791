// Behind the telephones: workers, the verdict on a burst, each message's way, and how long answers took.

import { draw, make, renew, say, tell, words } from "./dom.js";

const PARTS = ["accepting", "listening", "waiting", "thinking", "speaking"];
const KEYS = ["accepting", "listen", "wait", "think", "speak"];
const PLATFORMS = { telegram: "Telegram", whatsapp: "WhatsApp" };
const BAR_WIDTH = 240;

export function showWorkers(list, workers, kill) {
  for (const worker of workers) {
    const known = [...list.children].find((item) => item.dataset.worker === worker.name);
    const item = known ?? list.appendChild(newWorker(worker.name, kill));
    item.className = worker.state;
    const pid = worker.pid ? ` · pid ${worker.pid}` : "";
    tell(item.querySelector(".name"), worker.name + pid);
    tell(item.querySelector(".state"), words[worker.state]);
    const holds = worker.holds.map((key) => PLATFORMS[key]).join(", ") || words.nothing;
    tell(item.querySelector(".holds"), worker.pid ? `${words.holds}: ${holds}` : "");
    tell(item.querySelector(".about"), about(worker));
    item.querySelector("button").setAttribute("aria-disabled", String(!worker.pid));
  }
}

function newWorker(name, kill) {
  const press = ({ currentTarget }) => currentTarget.getAttribute("aria-disabled") !== "true" && kill(name);
  return make(
    "li",
    { "data-worker": name },
    make("span", { class: "name" }),
    make("span", { class: "state", "aria-live": "polite" }),
    make("span", { class: "holds" }),
    make("span", { class: "about small" }),
    make("button", { type: "button", class: "danger", onclick: press }, say("kill", { worker: name })),
  );
}

function about(worker) {
  const parts = worker.slots ? [say("slots", worker)] : [];
  if (worker.deaths) parts.push(say("deaths", { times: worker.deaths }));
  return parts.join(" · ");
}

export function showVerdict(place, burst) {
  if (!burst) return;
  const state = burst.running ? "running" : burst.ok ? "kept" : "broken";
  place.className = state;
  const shown = burst.running ? { ...burst, seconds: null } : burst;
  renew(place, shown, () => {
    const numbers = ["written", "taken", "answered", "lost", "twice", "disordered"];
    const values = { ...burst, taken: burst.accepted };
    const rows = numbers.map((name) => make("div", { "data-number": name }, make("dt", {}, words[name]), make("dd", {}, String(values[name]))));
    const took = burst.running ? "" : ` · ${say("took", { seconds: burst.seconds.toLocaleString(document.documentElement.lang) })}`;
    const parts = [make("p", { class: "judged" }, words[state] + took), make("dl", {}, ...rows)];
    if (burst.killed) parts.push(make("p", {}, say("killed", { worker: burst.killed.name, pid: burst.killed.pid })));
    if (burst.strays && !burst.running) parts.push(make("p", { class: "small" }, say("strays", { n: burst.strays })));
    return parts;
  });
}

export function showWays(body, ways) {
  renew(body, ways, () => (ways.length ? ways.map(row) : [make("tr", {}, make("td", { colspan: "7" }, words.no_ways))]));
}

function row(way) {
  const more = way.messages > 1 ? ` ${say("more", { n: way.messages - 1 })}` : "";
  const parts = [`${PLATFORMS[way.phone]}: ${way.text}${more}`, make("br"), bar(way)];
  if (way.crashed) parts.push(make("span", { class: "crashed" }, `† ${words.crashed}`));
  const numbers = [...PARTS.map((part) => way[part]), way.first_words];
  const cells = numbers.map((ms) => make("td", { class: "number" }, ms === null ? "–" : String(ms)));
  return make("tr", {}, make("th", { scope: "row" }, ...parts), ...cells);
}

function bar(way) {
  const whole = PARTS.reduce((sum, part) => sum + way[part], 0) || 1;
  let left = 0;
  const pieces = PARTS.map((part, number) => {
    const width = (way[part] / whole) * BAR_WIDTH;
    left += width;
    return draw("rect", { class: KEYS[number], x: left - width, y: 0, width, height: 8 });
  });
  return draw("svg", { class: "bar", viewBox: `0 0 ${BAR_WIDTH} 8`, "aria-hidden": "true" }, ...pieces);
}

export function showAnswers(picture, told, answers) {
  if (!answers.length) return tell(told, words.no_ways);
  const [left, width, bottom, height] = [58, 358, 112, 100];
  const sorted = answers.map((one) => one.whole).sort((one, other) => one - other);
  const slowest = sorted[sorted.length - 1];
  const scale = height / Math.max(slowest, 1);
  const step = Math.min(width / answers.length, 24);
  renew(picture, answers, () => [
    draw("line", { class: "axis", x1: left, y1: bottom, x2: left + width, y2: bottom }),
    draw("text", { x: left - 6, y: bottom, class: "end" }, "0"),
    draw("text", { x: left - 6, y: bottom - height + 8, class: "end" }, `${slowest} ms`),
    ...answers.flatMap((one, number) => {
      const x = left + number * step + 1;
      const top = Math.max(one.whole * scale, 1);
      return [
        draw("rect", { class: one.phone, x, y: bottom - top, width: Math.max(step - 2, 1), height: top }),
        draw("circle", { class: "first", cx: x + step / 2 - 1, cy: bottom - Math.min(one.first * scale, height), r: 2.5 }),
      ];
    }),
    ...Object.entries(PLATFORMS).flatMap(([key, name], number) => [
      draw("rect", { class: key, x: left + number * 90, y: bottom + 7, width: 9, height: 9 }),
      draw("text", { x: left + 13 + number * 90, y: bottom + 15 }, name),
    ]),
  ]);
  tell(told, say("answers_told", { n: answers.length, median: sorted[Math.floor(sorted.length / 2)], slowest }));
}
