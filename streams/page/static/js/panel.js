// A view is a heading and panels. They are found again by their id when fresh data comes, so that focus, scroll,
// open details and charts stay as they are.
import { draw, drop } from "./charts.js";
import { el } from "./dom.js";

export class View {
  constructor(main) {
    this.main = main;
    this.charts = new Map();
  }

  begin(title) {
    this.end();
    this.heading = el("h1", { tabindex: "-1" }, title);
    this.lead = el("div", { class: "lead" });
    this.panels = el("div", { class: "panels" });
    this.main.replaceChildren(this.heading, this.lead, this.panels);
  }

  end() {
    for (const host of this.charts.keys()) drop(host);
    this.charts.clear();
  }

  title(text) {
    this.heading.textContent = text;
    document.title = `${text} · juice`;
  }

  say(...children) {
    keepingFocus(this.lead, () => this.lead.replaceChildren(...children));
  }

  // size: "" or half; chart: a function that returns an option, so that it can be redrawn in other colours; a table
  // behind a chart is folded away unless it is `open`.
  panel(id, { title, note = "", size = "", chart = null, alt = "", tall = false, body = [], table = null, open = false }) {
    let section = this.panels.querySelector(`[data-panel="${id}"]`);
    if (!section) {
      section = el("section", { class: size, "data-panel": id, "aria-labelledby": `t-${id}` },
        el("h2", { id: `t-${id}` }), el("p", { class: "note" }), el("div", { class: "body" }));
      if (chart) {
        const host = el("div", { class: `chart${tall ? " tall" : ""}`, role: "img" });
        section.append(host);
      }
      const figures = el("div", { class: "figures" });
      section.append(chart && table && !open ? el("details", {}, el("summary", {}, "The figures as a table"), figures) : figures);
      this.panels.append(section);
    }
    section.querySelector("h2").textContent = title;
    section.querySelector(".note").textContent = note;
    section.querySelector(".note").hidden = !note;
    const inner = section.querySelector(".body");
    keepingFocus(inner, () => inner.replaceChildren(...body));
    if (chart) {
      const host = section.querySelector(".chart");
      this.charts.set(host, chart);
      draw(host, chart());
      host.setAttribute("aria-label", alt || title);
    }
    const figures = section.querySelector(".figures");
    keepingFocus(figures, () => figures.replaceChildren(...(table ? [table] : [])));
    return section;
  }

  drop(id) {
    const section = this.panels.querySelector(`[data-panel="${id}"]`);
    const host = section?.querySelector(".chart");
    if (host) {
      drop(host);
      this.charts.delete(host);
    }
    section?.remove();
  }

  redraw() {
    for (const [host, chart] of this.charts) draw(host, chart());
  }
}

function keepingFocus(within, change) {
  const held = within.contains(document.activeElement) ? document.activeElement : null;
  const scrolled = within.querySelector(".scroll")?.scrollLeft ?? 0;
  const href = held?.getAttribute("href");
  change();
  const scroller = within.querySelector(".scroll");
  if (scroller) scroller.scrollLeft = scrolled;
  if (!held) return;
  const again = href ? [...within.querySelectorAll("a")].find((a) => a.getAttribute("href") === href) : scroller;
  (again ?? document.getElementById("main")).focus({ preventScroll: true });
}

// columns: [heading, how to show a row, kind: number | name | words | ""]
export function table(caption, columns, rows, { empty = "Nothing yet.", sum = null } = {}) {
  if (!rows.length) return el("p", { class: "note" }, empty);
  const cell = (row) => columns.map(([, show, kind], i) => el(i === 0 ? "th" : "td", { class: kind || null, scope: i === 0 ? "row" : null }, show(row)));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, columns.map(([name, , kind]) => el("th", { scope: "col", class: kind || null }, name)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, cell(row)))),
      sum ? el("tfoot", {}, el("tr", {}, sum.map((value, i) => el("td", { class: columns[i][2] || null }, value)))) : null));
}

export const facts = (pairs) => el("dl", {}, pairs.map(([name, value, kind]) => el("div", {}, el("dt", {}, name), el("dd", { class: kind || null }, value))));
