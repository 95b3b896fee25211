// Charts: what a view says about its data, in the form the library wants, in the page's own colours.
/* global echarts */

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return { text: of("text"), quiet: of("quiet"), line: of("line"), card: of("card"), series: ["accent", "second", "third", "good", "bad"].map(of) };
}

function base() {
  const c = colours();
  return {
    color: c.series,
    animation: false,
    textStyle: { color: c.text, fontFamily: "system-ui, sans-serif" },
    // Drawn on the canvas: no markup is made of names.
    tooltip: { renderMode: "richText", confine: true, backgroundColor: c.card, borderColor: c.line, textStyle: { color: c.text } },
    legend: { textStyle: { color: c.text }, top: 0, type: "scroll", pageTextStyle: { color: c.text } },
    aria: { enabled: true, label: { enabled: false } },
  };
}

const axis = (more = {}) => {
  const c = colours();
  return { axisLabel: { color: c.quiet, hideOverlap: true }, axisLine: { lineStyle: { color: c.line } }, splitLine: { lineStyle: { color: c.line } }, ...more };
};

// Horizontal bars: one for each name; stacked where there are several series {name: [values]}.
export function bars(names, series) {
  const c = colours();
  return {
    ...base(),
    grid: { left: 4, right: 24, top: Object.keys(series).length > 1 ? 32 : 8, bottom: 4, containLabel: true },
    tooltip: { ...base().tooltip, trigger: "axis", axisPointer: { type: "shadow" } },
    // Patterns beside colours, where colours tell series apart.
    aria: { enabled: true, label: { enabled: false }, decal: { show: Object.keys(series).length > 1 } },
    legend: { ...base().legend, show: Object.keys(series).length > 1 },
    xAxis: axis({ type: "value" }),
    yAxis: axis({ type: "category", data: names, inverse: true, axisLabel: { color: c.text, width: 110, overflow: "truncate" }, splitLine: { show: false } }),
    series: Object.entries(series).map(([name, data]) => ({ name, type: "bar", stack: "all", data, barMaxWidth: 22 })),
  };
}

// Lines over time: series {name: [[at, value], …]}; `area` stacks them, `log` has a logarithmic axis.
export function lines(series, { type = "time", area = false, log = false, percentages = false, label = null } = {}) {
  return {
    ...base(),
    grid: { left: 4, right: 24, top: 36, bottom: 4, containLabel: true },
    tooltip: { ...base().tooltip, trigger: "axis" },
    useUTC: true,
    xAxis: axis({ type, splitLine: { show: false }, ...(label ? { axisLabel: { ...axis().axisLabel, formatter: label } } : {}) }),
    yAxis: axis({ type: log ? "log" : "value", ...(log ? { min: 1 } : {}), ...(percentages ? { max: 1, axisLabel: { ...axis().axisLabel, formatter: (v) => `${Math.round(v * 100)} %` } } : {}) }),
    series: Object.entries(series).map(([name, data], i) => ({
      name, type: "line", data, showSymbol: data.length < 40, symbol: ["circle", "triangle", "rect", "diamond", "pin"][i % 5],
      lineStyle: { type: ["solid", "dashed", "dotted"][i % 3], width: 2 },
      ...(area ? { stack: "all", areaStyle: { opacity: 0.35 }, lineStyle: { width: 1 } } : {}),
    })),
  };
}

// A tree, from the root in the middle outwards, or left to right where it is small.
export function tree(root, onlyFew) {
  const c = colours();
  const of = { earned: c.series[1], incentivised: c.series[0], undisclosed: c.series[4] };
  const dressed = (node) => ({
    name: node.name,
    value: node.followers ?? 0,
    hidden: node.hidden,
    itemStyle: { color: of[node.klass] ?? c.text, borderColor: of[node.klass] ?? c.text },
    symbolSize: node.klass ? Math.min(16, 4 + Math.log10(1 + (node.followers ?? 0)) * 2.5) : 14,
    children: node.children.map(dressed),
  });
  return {
    ...base(),
    tooltip: { ...base().tooltip, trigger: "item", formatter: (p) => `${p.name}: ${p.value} followers${p.data.hidden ? `, ${p.data.hidden} more below` : ""}` },
    series: [{
      type: "tree", data: [dressed(root)], layout: onlyFew ? "orthogonal" : "radial", roam: true, symbol: "circle",
      top: 16, bottom: 16, left: onlyFew ? 90 : 16, right: onlyFew ? 110 : 16, initialTreeDepth: -1, expandAndCollapse: false,
      lineStyle: { color: c.line, width: 1 }, label: { show: onlyFew, color: c.text, position: "right", overflow: "truncate", width: 90 },
    }],
  };
}

export function draw(host, option) {
  const chart = echarts.getInstanceByDom(host) ?? echarts.init(host, null, { renderer: "canvas" });
  chart.setOption(option, { notMerge: true });
  return chart;
}

export function drop(host) {
  echarts.getInstanceByDom(host)?.dispose();
}

export function fit(hosts) {
  for (const host of hosts) echarts.getInstanceByDom(host)?.resize();
}
