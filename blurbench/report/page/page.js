// Draws the charts, and answers the controls. All text goes through textContent: names are data.
const data = JSON.parse(document.getElementById("data").textContent);
const LARGEST = 2000; // rows of a table that a browser can show at once
const views = new Map();

for (const table of Object.values(data.tables)) {
  const value = ({ values, places }, row) => (places ? values[places[row]] : values[values.length > 1 ? row : 0]);
  table.rows = Array.from({ length: table.count }, (_, row) => table.packed.map((one) => value(one, row)));
}

function rowsOf(chart) {
  const { columns, rows } = data.tables[chart.table];
  const own = chart.run === null ? rows : rows.filter((row) => row[0] === chart.run);
  return own.map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place]])));
}

function shown() {
  return [...document.querySelectorAll("input[name=shown]:checked")].map((one) => one.value);
}

function chosen(id, otherwise) {
  const control = document.getElementById(id);
  return control === null ? otherwise : control.value;
}

// A run that has not the chosen image shows its own last one.
function pictureOf(run) {
  const { columns, rows } = data.tables.cells;
  const place = columns.indexOf("picture");
  const own = rows.filter((row) => row[0] === run).map((row) => row[place]);
  const picture = chosen("picture", own[0]);
  return own.includes(picture) ? picture : own.at(-1);
}

// Styles reach the text of a drawing in SVG, but not of one on a canvas. A browser tells of a
// print before its styles are those of paper.
let printing = false;
function ink() {
  const name = printing || matchMedia("print").matches ? "--printed" : "--faint";
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function settings(chart) {
  return { shown: shown(), picture: pictureOf(chart.run), one: chosen("one", ""), ink: ink() };
}

// Charts that are still to be drawn take the settings of that moment; one that is being drawn
// has missed them.
let missed = false;
async function apply() {
  missed ||= views.size < data.charts.length;
  const drawn = data.charts.filter((chart) => views.has(chart.id));
  await Promise.all(
    drawn.map((chart) => {
      const view = views.get(chart.id);
      const values = settings(chart);
      for (const { name } of chart.spec.params) view.signal(name, values[name]);
      return view.runAsync();
    }),
  );
}

function dress(on) {
  printing = on;
  apply();
}

async function draw(chart) {
  const spec = structuredClone(chart.spec);
  spec.datasets = { [chart.table]: rowsOf(chart) };
  const values = settings(chart);
  for (const param of spec.params) param.value = values[param.name];
  const many = chart.table === "samples";
  const { view } = await vegaEmbed(document.getElementById(chart.id), spec, {
    mode: "vega-lite",
    renderer: many ? "canvas" : "svg",
    actions: false,
    ast: true, // no code is generated: the page's policy forbids it
    logLevel: 1, // an empty selection is no reason to warn
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  });
  views.set(chart.id, view);
}

function cell(value) {
  if (value === null || value === undefined) return "";
  return String(value);
}

function fill(details) {
  const chart = data.charts.find((one) => one.id === details.dataset.chart);
  const place = details.querySelector(".table");
  if (place.childElementCount > 0) return;
  const rows = rowsOf(chart);
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const name of chart.columns) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = name;
    head.append(th);
  }
  const body = table.createTBody();
  for (const row of rows.slice(0, LARGEST)) {
    const line = body.insertRow();
    for (const name of chart.columns) {
      const td = line.insertCell();
      td.textContent = cell(row[name]);
      if (typeof row[name] === "number") td.className = "figure";
    }
  }
  place.append(table);
  if (rows.length > LARGEST) {
    const rest = document.createElement("p");
    rest.textContent = `The first ${LARGEST} of ${rows.length} rows; the CSV has all of them.`;
    place.append(rest);
  }
}

// A spreadsheet takes text that begins so for a formula.
function quoted(value) {
  let text = cell(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(name, columns, rows) {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
  const text = lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function download(id) {
  if (id === "summary") {
    const { columns } = data.tables.cells;
    save(id, columns, rowsOf({ table: "cells", run: null }));
  } else {
    const chart = data.charts.find((one) => one.id === id);
    save(id, chart.columns, rowsOf(chart));
  }
}

function check(on) {
  for (const box of document.querySelectorAll("input[name=shown]")) box.checked = on;
  apply();
}

// Packed it takes a third; unpacked it has to be what the page's policy knows by its hash.
async function load() {
  const packed = Uint8Array.from(atob(document.getElementById("library").textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function begin() {
  await load();
  const controls = document.getElementById("controls");
  controls?.addEventListener("submit", (event) => event.preventDefault());
  controls?.addEventListener("change", apply);
  document.getElementById("one")?.addEventListener("change", apply);
  document.getElementById("all")?.addEventListener("click", () => check(true));
  document.getElementById("none")?.addEventListener("click", () => check(false));
  for (const one of document.querySelectorAll("details[data-chart]")) {
    one.addEventListener("toggle", () => one.open && fill(one));
  }
  for (const one of document.querySelectorAll("button[data-csv]")) {
    one.addEventListener("click", () => download(one.dataset.csv));
  }
  for (const chart of data.charts) {
    await draw(chart);
    await new Promise((go) => setTimeout(go)); // let the browser paint it, and hear the controls
  }
  if (missed) await apply();
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", apply);
  }
  addEventListener("beforeprint", () => dress(true));
  addEventListener("afterprint", () => dress(false));
  document.documentElement.dataset.ready = "true";
}

begin().catch((error) => {
  document.getElementById("failure").textContent = `The charts could not be drawn: ${error}`;
  throw error;
});
