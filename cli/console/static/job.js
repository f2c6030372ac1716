// One job: its state, its curves as they grow, its log.
import uPlot from "./modules/uplot.js";
import { listen, tick } from "./page.js";

const charts = new Map();
const holder = document.getElementById("charts");
const log = document.getElementById("log");
const leftOut = document.getElementById("left-out");
const pieces = 200;  // of the log, each of what came at once: the page stays light
const facts = document.getElementById("facts");
const dark = matchMedia("(prefers-color-scheme: dark)");
let last = {};

// "train:loss" and "validation:loss" share a chart; what was measured once is among the facts.
function grouped(curves) {
  const groups = new Map();
  for (const [name, values] of Object.entries(curves)) {
    if (values.length < 2) continue;
    const kind = name.slice(name.indexOf(":") + 1);
    groups.set(kind, [...(groups.get(kind) ?? []), [name, values]]);
  }
  return groups;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function options(kind, names) {
  const axis = { stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  return {
    title: kind,
    width: Math.max(260, holder.clientWidth > 760 ? holder.clientWidth / 2 - 12 : holder.clientWidth),
    height: 240,
    scales: { x: { time: false } },
    axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }, axis],
    series: [{ label: "step" }, ...names.map((name, number) => ({
      label: name, stroke: colour(`--curve-${number % 4}`), width: 2, points: { size: 5 },
    }))],
  };
}

function data(series) {
  const most = Math.max(...series.map(([, values]) => values.length));
  const steps = Array.from({ length: most }, (_, number) => number + 1);
  return [steps, ...series.map(([, values]) => steps.map((step) => values[step - 1] ?? null))];
}

function draw(curves, anew = false) {
  last = curves;
  const groups = grouped(curves);
  if (groups.size && !charts.size) holder.replaceChildren();
  for (const [kind, series] of groups) {
    const names = series.map(([name]) => name);
    const chart = charts.get(kind);
    if (chart && !anew && chart.names.join() === names.join()) {
      chart.plot.setData(data(series));
      continue;
    }
    chart?.plot.destroy();
    charts.set(kind, { names, plot: new uPlot(options(kind, names), data(series), holder) });
  }
}

listen(document.querySelector("[data-events]").dataset.events, "job", (job) => {
  facts.innerHTML = job.facts;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  if (job.anew) log.replaceChildren();
  if (job.log) log.append(job.log);
  while (log.childNodes.length > pieces) log.firstChild.remove();
  if (job.left_out) {
    leftOut.textContent = `The first ${job.left_out} lines are left out: CloudWatch has the whole.`;
    leftOut.hidden = false;
  }
  if (atEnd) log.scrollTop = log.scrollHeight;
  draw(job.curves);
  tick();
});
dark.addEventListener("change", () => draw(last, true));
addEventListener("resize", () => draw(last, true));
