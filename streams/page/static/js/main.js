// Which view is open, in which window; and the stream that says when there is something new.
import { get } from "./api.js";
import { fit } from "./charts.js";
import { View } from "./panel.js";
import * as accounts from "./accounts.js";
import * as account from "./account.js";
import * as campaigns from "./campaigns.js";
import * as cascades from "./cascades.js";
import * as concentration from "./concentration.js";
import * as overview from "./overview.js";
import * as pipeline from "./pipeline.js";
import * as trends from "./trends.js";

const views = { "": overview, accounts, account, cascades, trends, campaigns, concentration, pipeline };
const parents = { account: "accounts" };
const AT_MOST_EVERY = 2000;

const by = (id) => document.getElementById(id);
const main = by("main"), banner = by("banner"), live = by("live");
const view = new View(main);
let open = null, running = null, waiting = null, refreshed = 0, away = "", failed = "";

function asked() {
  const [, name = "", query = ""] = location.hash.match(/^#\/([a-z]*)\??(.*)$/) ?? [];
  const given = Object.fromEntries(new URLSearchParams(query));
  return { name: Object.hasOwn(views, name) ? name : "", given: { window: by("window").value, ...given } };
}

async function show() {
  if (location.hash === "#main") return;
  const { name, given } = asked();
  const first = open === null, key = `${name} ${JSON.stringify({ ...given, window: "" })}`;
  if (by("window").querySelector(`[value="${CSS.escape(given.window)}"]`)) by("window").value = given.window;
  for (const a of by("nav").children) {
    if (a.getAttribute("href") === `#/${parents[name] ?? name}`) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  if (key !== open) {
    open = key;
    view.begin(views[name].title);
    view.title(views[name].title);
    view.say("Asking …");
    window.scrollTo(0, 0);
    if (!first) view.heading.focus({ preventScroll: true });
  }
  await refresh();
}

async function refresh() {
  running?.abort();
  const mine = (running = new AbortController());
  const { name, given } = asked();
  main.setAttribute("aria-busy", "true");
  try {
    await views[name].show(view, given, (what, more = {}) => get(what, more, mine.signal), () => mine.signal.aborted);
    if (!mine.signal.aborted) failed = "";
  } catch (error) {
    if (error.name === "AbortError" || mine.signal.aborted) return;
    if (error.status === 404 || error.status === 400) {
      view.panels.replaceChildren();
      view.say(error.message);
      failed = "";
    } else failed = error.message;
  } finally {
    if (running === mine) {
      main.removeAttribute("aria-busy");
      refreshed = performance.now();
      notice();
    }
  }
}

function notice() {
  const wrong = away || failed;
  const text = wrong ? `${wrong} What you see may be old; trying again.` : "";
  if (banner.textContent !== text) banner.textContent = text;
}

function soon() {
  if (waiting !== null || document.hidden) return;
  waiting = setTimeout(() => {
    waiting = null;
    refresh();
  }, Math.max(0, AT_MOST_EVERY - (performance.now() - refreshed)));
}

function follow() {
  const stream = new EventSource("events");
  let seen = null;
  stream.addEventListener("state", (event) => {
    const state = JSON.parse(event.data);
    const back = away !== "" || failed !== "";
    away = state.up ? "" : state.error;
    live.textContent = state.up ? "Updates by itself as events come." : "Waiting for ClickHouse.";
    main.dataset.version = state.version;
    notice();
    if (state.up && (back || state.version !== seen)) soon();
    seen = state.up ? state.version : seen;
  });
  stream.onerror = () => {
    away = "The page's server does not answer.";
    live.textContent = "Not connected.";
    notice();
    if (stream.readyState === EventSource.CLOSED) {
      stream.close();
      setTimeout(follow, 3000);
    }
  };
}

by("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
by("tools").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = by("find").value;
  if (name) location.hash = `#/account?${new URLSearchParams({ id: name })}`;
});
by("window").addEventListener("change", () => {
  const [path, query = ""] = (location.hash || "#/").split("?");
  const given = new URLSearchParams(query);
  given.set("window", by("window").value);
  history.replaceState(null, "", `${path}?${given}`);
  show();
});
window.addEventListener("hashchange", show);
window.addEventListener("resize", () => fit(view.charts.keys()));
document.addEventListener("visibilitychange", soon);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view.redraw());

show();
follow();
