"use strict";
// Draws the page from the JSON in #content. Everything recorded reaches the document as
// text nodes (never as markup), so a run's name can hold anything.
(() => {
  const told = JSON.parse(document.getElementById("content").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  // After Okabe & Ito: told apart by any colour vision, 4.5:1 against the background.
  const palette = dark
    ? ["#56b4e9", "#e69f00", "#2ec492", "#f0e442", "#e58fc2", "#ff7b4a", "#9d9bff", "#c2c2c2", "#7be0f0", "#c9a66b"]
    : ["#0067a8", "#b04a00", "#007a59", "#7a6a00", "#a3397e", "#c22f00", "#4b49c9", "#5a5a5a", "#007a8a", "#7d5a1e"];
  const ground = dark ? "#11151c" : "#ffffff";
  const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
  const color = (index) => palette[index % palette.length];
  const dash = (index) => dashes[Math.floor(index / palette.length) % dashes.length];
  const view = { axis: "step", smooth: 0, log: false, words: "", hidden: new Set() };

  // --- small helpers

  function h(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "class") node.className = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat()) if (child != null && child !== "") node.append(child);
    return node;
  }
  const span = (name, ...children) => h("span", { class: name }, ...children);

  function swatch(index) {
    const node = span("swatch");
    node.style.background = color(index);
    return node;
  }

  function number(value) {
    if (value == null || Number.isNaN(value)) return "–";
    const size = Math.abs(value);
    if (value !== 0 && (size < 1e-4 || size >= 1e7)) return Number(value.toPrecision(5)).toExponential();
    return String(Number(value.toPrecision(6)));
  }

  function duration(seconds) {
    if (seconds == null) return "";
    const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
    const at = units.findIndex(([, size]) => seconds >= size);
    if (at < 0) return Number(seconds.toPrecision(2)) + "s";
    const [unit, size] = units[at];
    const next = units[at + 1];
    const rest = next ? Math.floor((seconds % size) / next[1]) : 0;
    return Math.floor(seconds / size) + unit + (rest ? " " + rest + next[0] : "");
  }

  const date = (seconds) => (seconds == null ? "" : new Date(seconds * 1000).toLocaleString());
  const percent = (share) =>
    (share >= 0 ? "+" : "−") + (Math.abs(share) < 10 ? (Math.abs(share) * 100).toFixed(1) : number(Math.round(Math.abs(share) * 100))) + " %";

  // --- curves

  // A line's points in the order of the chosen axis, one for each place on it.
  function points(line, run) {
    const start = told.runs[run].started || line.origin;
    const xs = view.axis === "step" ? line.step
      : line.time.map((t) => (view.axis === "wall" ? line.origin + t : line.origin + t - start));
    const order = [...xs.keys()].filter((i) => xs[i] != null).sort((a, b) => xs[a] - xs[b] || a - b);
    const x = [], y = [];
    for (const i of order) {
      const value = view.log && line.value[i] != null && line.value[i] <= 0 ? null : line.value[i];
      if (x.length && x[x.length - 1] === xs[i]) y[y.length - 1] = value;
      else { x.push(xs[i]); y.push(value); }
    }
    return [x, y];
  }

  // Debiased exponential moving average; what is missing stays missing and changes nothing.
  function smoothed(values, weight) {
    let total = 0, norm = 0;
    return values.map((value) => {
      if (value == null) return value;
      total = weight * total + (1 - weight) * value;
      norm = weight * norm + (1 - weight);
      return total / norm;
    });
  }

  class Chart {
    constructor(metric, sync) {
      this.metric = metric;
      this.sync = sync;
      this.plot = null;
      this.body = h("div", { class: "plot" });
      const unit = metric.unit ? " (" + metric.unit + ")" : "";
      const arrow = metric.goal === "min" ? " ↓" : metric.goal === "max" ? " ↑" : "";
      const thinned = metric.lines.some((line) => line && !line.exact);
      this.node = h("figure", { class: "chart" },
        h("figcaption", {},
          h("button", { class: "name", title: "Enlarge", onclick: () => this.enlarge() }, metric.name + unit),
          span("dim", arrow),
          thinned ? span("dim", " · spikes kept, " + most(metric).toLocaleString() + " points in full") : ""),
        this.body);
    }

    matches() {
      return this.metric.name.toLowerCase().includes(view.words.toLowerCase());
    }

    enlarge() {
      this.node.classList.toggle("large");
      this.draw();
    }

    // Where the reader has zoomed to, unless the axis became another.
    zoomed() {
      if (!this.plot || this.axis !== view.axis) return null;
      const xs = this.plot.data[0], { min, max } = this.plot.scales.x;
      return min > xs[0] || max < xs[xs.length - 1] ? { min, max } : null;
    }

    draw() {
      const kept = this.zoomed();
      this.axis = view.axis;
      if (this.plot) this.plot.destroy();
      this.plot = null;
      this.body.replaceChildren();
      const shown = this.metric.lines
        .map((line, run) => ({ line, run }))
        .filter(({ line, run }) => line && line.value.length && !view.hidden.has(run));
      if (!shown.length) {
        this.body.append(span("dim", "none of the runs shown has points"));
        return;
      }
      const tables = [], series = [{ label: view.axis, value: (_, v) => (v == null ? "–" : axisValue(v)) }];
      for (const { line, run } of shown) {
        const [x, y] = points(line, run);
        const look = { label: told.runs[run].name, stroke: color(run), dash: dash(run), width: 1.5,
          value: (_, v) => number(v), spanGaps: false, points: { fill: ground } };
        if (view.smooth > 0) {
          tables.push([x, y]);
          series.push({ ...look, class: "raw", stroke: color(run) + "44", width: 1, points: { show: false } });
          tables.push([x, smoothed(y, view.smooth)]);
        } else tables.push([x, y]);
        series.push(look);
      }
      const ink = dark ? "#aab6c5" : "#4a5563", line = dark ? "#2a3340" : "#e3e6ea";
      const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "11px system-ui" };
      const large = this.node.classList.contains("large");
      this.plot = new uPlot({
        width: Math.max(160, this.body.clientWidth),
        height: large ? Math.max(320, Math.round(innerHeight * 0.6)) : 210,
        series,
        scales: { x: { time: view.axis === "wall" }, y: { distr: view.log ? 3 : 1 } },
        axes: [
          { ...axis, values: view.axis === "time" ? (_, ticks) => ticks.map(duration) : undefined },
          { ...axis, size: 62, values: (_, ticks) => ticks.map((v) => (v == null ? "" : number(v))) },
        ],
        cursor: { sync: { key: this.sync }, drag: { x: true, y: true, uni: 24 } },
        legend: { live: true },
      }, tables.length > 1 ? uPlot.join(tables) : tables[0], this.body);
      if (kept) this.plot.setScale("x", kept);
    }
  }

  const most = (metric) => Math.max(...metric.lines.map((line) => (line ? line.count : 0)));
  const axisValue = (v) => (view.axis === "wall" ? date(v) : view.axis === "time" ? duration(v) : number(v));

  const charts = [];
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const chart = charts.find((one) => one.node === target);
      chart.near = isIntersecting;
      if (isIntersecting && chart.stale !== false) { chart.stale = false; chart.draw(); }
    }
  }, { rootMargin: "400px" });

  // Only what can be seen is drawn at once; the rest when it comes near.
  function redraw() {
    for (const chart of charts) {
      chart.node.hidden = !chart.matches();
      chart.stale = true;
      if (chart.near && !chart.node.hidden) { chart.stale = false; chart.draw(); }
    }
    for (const group of document.querySelectorAll("details.charts"))
      group.hidden = ![...group.querySelectorAll("figure")].some((node) => !node.hidden);
  }

  function chartGroups(metrics, open, groupOf) {
    const groups = new Map();
    for (const metric of metrics) {
      const name = groupOf(metric.name);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(metric);
    }
    return [...groups].map(([name, members]) => {
      const grid = h("div", { class: "grid" });
      for (const metric of members) {
        const chart = new Chart(metric, "all");
        charts.push(chart);
        grid.append(chart.node);
        seen.observe(chart.node);
      }
      return h("details", { class: "charts", open },
        h("summary", {}, name || "metrics", span("dim", " " + members.length)), grid);
    });
  }

  // --- tables

  function runsTable() {
    const rows = told.runs.map((run, index) =>
      h("tr", {},
        h("td", {}, h("label", {},
          h("input", { type: "checkbox", checked: true, "aria-label": "show " + run.name,
            onchange: (event) => { view.hidden[event.target.checked ? "delete" : "add"](index); redraw(); } }),
          swatch(index), h("b", {}, run.name))),
        h("td", { class: "mono" }, run.ref),
        h("td", {}, span("state " + run.state, run.state), run.reason ? " " + run.reason : ""),
        h("td", {}, date(run.started)),
        h("td", { class: "number" }, duration(run.duration)),
        h("td", { class: "number" }, run.steps == null ? "" : run.steps.toLocaleString()),
        h("td", {}, run.host || ""),
        h("td", {}, run.tags.map((tag) => span("tag", tag))),
        h("td", { class: "text" }, run.notes || "")));
    return table(["run", "id", "state", "started", "took", "steps", "host", "tags", "notes"], rows);
  }

  function table(titles, rows) {
    return h("div", { class: "scroll" },
      h("table", {}, h("thead", {}, h("tr", {}, titles.map((title) => h("th", {}, title)))), h("tbody", {}, rows)));
  }

  const runTitles = () => told.runs.map((run, index) => h("span", {}, swatch(index), run.name));

  function metricsTable() {
    const rows = told.metrics.map((metric) =>
      h("tr", { class: metric.differs || told.runs.length < 2 ? "" : "same" },
        h("th", { scope: "row" }, metric.name, span("dim", metric.goal === "min" ? " ↓" : metric.goal === "max" ? " ↑" : "")),
        metric.cells.map((cell) => {
          if (!cell) return h("td", { class: "dim" }, "–");
          const change = cell.relative == null || !told.runs.length ? "" : span("change " + (cell.verdict || ""), percent(cell.relative));
          const best = cell.best == null ? "" : h("div", { class: "dim" }, "best " + cell.best + (cell.best_step == null ? "" : " at " + cell.best_step.toLocaleString()));
          return h("td", { class: "number" }, h("div", {}, cell.last, " ", change), best);
        })));
    return table(["metric", ...runTitles()], rows);
  }

  function sectionTable(rows) {
    return table(["", ...runTitles()], rows.map((row) =>
      h("tr", { class: row.differs || told.runs.length < 2 ? "" : "same" },
        h("th", { scope: "row" }, row.key),
        row.values.map((value) => h("td", { class: value == null ? "dim" : "text" }, value == null ? "–" : value)))));
  }

  function patches() {
    const found = told.patches.map((text, index) => ({ text, index })).filter(({ text }) => text);
    return found.map(({ text, index }) =>
      h("details", {}, h("summary", {}, swatch(index), "uncommitted changes of " + told.runs[index].name),
        h("pre", { class: "patch" }, text.split("\n").map((line) =>
          span(line[0] === "+" ? "added" : line[0] === "-" ? "removed" : line[0] === "@" ? "place" : "", line + "\n")))));
  }

  // --- media

  function histogram(item) {
    const most = Math.max(...item.counts, 1), ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("viewBox", "0 0 300 100");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "histogram");
    item.counts.forEach((count, i) => {
      const bar = document.createElementNS(ns, "rect"), wide = 300 / item.counts.length;
      bar.setAttribute("x", i * wide);
      bar.setAttribute("width", Math.max(0.5, wide - 0.5));
      bar.setAttribute("y", 100 - (100 * count) / most);
      bar.setAttribute("height", (100 * count) / most);
      const title = document.createElementNS(ns, "title");
      title.textContent = number(item.bins[i]) + " … " + number(item.bins[i + 1]) + ": " + number(count);
      bar.append(title);
      svg.append(bar);
    });
    return h("div", {}, svg, h("div", { class: "ends dim" }, span("", number(item.bins[0])), span("", number(item.bins[item.bins.length - 1]))));
  }

  function matrix(item) {
    const rows = item.counts.map((row, i) => {
      const total = row.reduce((sum, count) => sum + count, 0) || 1;
      return h("tr", {}, h("th", { scope: "row" }, item.names[i]), row.map((count) => {
        const cell = h("td", { class: "number", title: percent(count / total).slice(1) + " of " + item.names[i] }, number(count));
        cell.style.background = (dark ? "rgba(86,180,233," : "rgba(0,103,168,") + (0.75 * count / total).toFixed(3) + ")";
        return cell;
      }));
    });
    return h("div", {}, h("div", { class: "dim" }, "rows: actual · columns: predicted"), table(["", ...item.names], rows));
  }

  function shown(item) {
    if (item.kind === "image") return h("img", { src: item.source, alt: item.caption || item.key, loading: "lazy" });
    if (item.kind === "audio") return h("audio", { src: item.source, controls: true });
    if (item.kind === "video") return h("video", { src: item.source, controls: true });
    if (item.kind === "histogram") return histogram(item);
    if (item.kind === "matrix") return matrix(item);
    if (item.kind === "table") {
      const cell = (value) => h("td", { class: "text" }, value && value.source ? h("img", { src: value.source, alt: "" }) : value);
      const rest = item.total - item.rows.length;
      return h("div", {}, table(item.columns, item.rows.map((row) => h("tr", {}, row.map(cell)))),
        rest > 0 ? span("dim", rest.toLocaleString() + " more rows are in the store") : "");
    }
    return h("pre", { class: "text" }, item.text);
  }

  function media() {
    const byKey = new Map();
    for (const item of told.media) {
      if (!byKey.has(item.key)) byKey.set(item.key, []);
      byKey.get(item.key).push(item);
    }
    return [...byKey].map(([key, items]) =>
      h("details", { open: items.length <= 8 }, h("summary", {}, key, span("dim", " " + items.length)),
        h("div", { class: "media" }, items.map((item) =>
          h("figure", { class: item.kind }, shown(item),
            h("figcaption", {}, swatch(item.run), told.runs[item.run].name + " · step " + item.step.toLocaleString() + (item.caption ? " · " + item.caption : "")))))));
  }

  // --- the page

  function toolbar() {
    const smoothing = h("output", {}, "0");
    let waiting = 0;
    const soon = () => { clearTimeout(waiting); waiting = setTimeout(redraw, 60); };
    return h("div", { class: "toolbar" },
      h("label", {}, "x ", h("select", { id: "axis", onchange: (event) => { view.axis = event.target.value; redraw(); } },
        h("option", { value: "step" }, "step"), h("option", { value: "time" }, "time since start"), h("option", { value: "wall" }, "date and time"))),
      h("label", {}, "smoothing ", h("input", { id: "smooth", type: "range", min: 0, max: 0.99, step: 0.01, value: 0,
        oninput: (event) => { view.smooth = Number(event.target.value); smoothing.value = view.smooth; soon(); } }), smoothing),
      h("label", {}, h("input", { id: "log", type: "checkbox", onchange: (event) => { view.log = event.target.checked; redraw(); } }), " log y"),
      h("label", {}, h("input", { id: "words", type: "search", placeholder: "find a metric", "aria-label": "find a metric",
        oninput: (event) => { view.words = event.target.value; soon(); } })),
      span("dim", "drag to zoom · double-click to reset"));
  }

  function section(title, ...children) {
    const id = title.replace(/\W+/g, "-");
    return h("section", { id }, h("h2", {}, title), ...children);
  }

  const parts = [];
  parts.push(section("runs", runsTable()));
  const alerts = told.runs.flatMap((run, index) => run.alerts.map((alert) => ({ ...alert, index })));
  if (alerts.length)
    parts.push(section("alerts", h("ul", {}, alerts.map((alert) =>
      h("li", {}, swatch(alert.index), told.runs[alert.index].name + " · " + date(alert.time) + " · ", h("b", {}, alert.title), " ", alert.text)))));
  if (told.metrics.length) {
    parts.push(section("curves", toolbar(), chartGroups(told.metrics, true, (name) => name.slice(0, Math.max(0, name.indexOf("/"))))));
    parts.push(section("metrics", metricsTable()));
  }
  for (const [name, rows] of Object.entries(told.sections))
    if (rows.length) parts.push(section(name, sectionTable(rows), name === "git" ? patches() : ""));
  if (told.media.length) parts.push(section("media", media()));
  if (told.system.length) parts.push(section("system curves", chartGroups(told.system, false, () => "every ten seconds")));

  const many = told.runs.length > 1;
  document.body.append(
    h("header", {}, h("h1", {}, told.title),
      h("p", { class: "dim" }, "trackerlite · " + told.made + (told.notes.length ? " · " + told.notes.join(" ") : "")),
      h("nav", {}, parts.map((part) => h("a", { href: "#" + part.id }, part.id)),
        many ? h("label", {}, h("input", { id: "all", type: "checkbox",
          onchange: (event) => document.body.classList.toggle("all", event.target.checked) }), " also what is the same") : "")),
    h("main", {}, ...parts));
  for (const part of parts)
    if (part.querySelector("tr.same") && !part.querySelector("tbody tr:not(.same)")) {
      part.querySelector("table").after(h("p", { class: "dim nothing" }, "Nothing differs here."));
      part.classList.add("alike");
    }
  let resizing = 0;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(redraw, 150); });
})();
