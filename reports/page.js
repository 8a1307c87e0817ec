"use strict";
// Controls of a report. Without this script the page shows all its tables, with their definitions below them.

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// A click on a head sorts by it, a second one the other way; fields without a value stay below.
function sortBy(th, original) {
  const table = th.closest("table"), at = th.cellIndex, down = th.getAttribute("aria-sort") === "ascending";
  const key = row => row.cells[at].dataset.sort;
  const number = text => Number(text.replace("inf", "Infinity"));
  const compare = th.classList.contains("number") ? (a, b) => number(a) - number(b) : (a, b) => a.localeCompare(b);
  const known = original.filter(row => key(row) !== undefined).sort((a, b) => (down ? -1 : 1) * compare(key(a), key(b)));
  table.tBodies[0].append(...known, ...original.filter(row => key(row) === undefined));
  for (const other of th.parentNode.cells) other.removeAttribute("aria-sort");
  th.setAttribute("aria-sort", down ? "descending" : "ascending");
  if (table.classList.contains("places")) table.classList.toggle("ordered", at === 0 && !down);
}

function sortable(table) {
  const original = [...table.tBodies[0].rows];
  for (const th of table.tHead.rows[0].cells) {
    const button = make("button", { type: "button" }, ...th.childNodes);
    th.append(button);
    button.addEventListener("click", () => sortBy(th, original));
    const told = th.getAttribute("aria-describedby");
    if (told) {
      button.setAttribute("aria-describedby", told);
      hinted(button, document.getElementById(told).textContent);
    }
  }
}

// A definition shows while its head is pointed at, in focus or tapped.
const hint = make("div", { id: "hint", role: "tooltip", hidden: true });
let asked = null;

function show(button, text) {
  asked = button;
  hint.textContent = text;
  hint.hidden = false;
  place();
}

function place() {
  if (hint.hidden) return;
  const at = asked.parentNode.getBoundingClientRect(), above = at.top - hint.offsetHeight - 8;
  hint.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - hint.offsetWidth - 8))}px`;
  hint.style.top = `${above > 8 ? above : at.bottom + 8}px`;
}

function hide() {
  hint.hidden = true;
}

function hinted(button, text) {
  for (const event of ["pointerenter", "focus", "click"]) button.addEventListener(event, () => show(button, text));
  for (const event of ["pointerleave", "blur"]) button.addEventListener(event, hide);
}

// A menu of boxes to tick, all at first but those in `off`; `apply` gets the chosen ones.
function menu(title, names, off, apply) {
  const boxes = names.map(name => make("input", { type: "checkbox", value: name, checked: !off.includes(name) }));
  const summary = make("summary");
  const update = () => {
    const chosen = boxes.filter(box => box.checked).map(box => box.value);
    summary.textContent = chosen.length === names.length ? title : `${title}: ${chosen.length} of ${names.length}`;
    apply(new Set(chosen));
  };
  const every = (text, checked) => {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", () => { boxes.forEach(box => { box.checked = checked; }); update(); });
    return button;
  };
  const choices = make("div", { className: "choices" }, ...boxes.map(box => make("label", {}, box, box.value)));
  choices.addEventListener("change", update);
  const panel = make("div", { className: "panel" }, every("all", true), every("none", false), choices);
  update();
  return make("details", { className: "menu" }, summary, panel);
}

function families(block) {
  const rows = [...block.querySelectorAll("tr[data-tag]")];
  const names = [...new Set(rows.map(row => row.dataset.tag))].sort((a, b) => a.localeCompare(b));
  const apply = chosen => rows.forEach(row => { row.hidden = !chosen.has(row.dataset.tag); });
  return names.length > 1 ? [menu("Families", names, [], apply)] : [];
}

function columns(block) {
  const heads = [...block.querySelectorAll("thead th:not(.name)")];
  const names = [...new Set(heads.map(th => th.textContent))];
  const off = heads.filter(th => "aside" in th.dataset).map(th => th.textContent);
  const apply = chosen => heads.forEach(th => {
    for (const row of th.closest("table").rows) row.cells[th.cellIndex].hidden = !chosen.has(th.textContent);
  });
  return names.length > 3 ? [menu("Columns", names, off, apply)] : [];
}

// Tables of several choices are shown one at a time.
let groups = 0;
function choices(block) {
  const views = [...block.querySelectorAll(".view")];
  if (views.length < 2) return [];
  const name = `choice-${groups++}`;
  const field = make("fieldset", {}, make("legend", {}, block.dataset.label));
  const apply = shown => views.forEach(view => { view.hidden = view !== shown; });
  for (const view of views) {
    const input = make("input", { type: "radio", name, checked: view === views[0] });
    input.addEventListener("change", () => apply(view));
    field.append(make("label", {}, input, view.dataset.view));
    view.querySelector(".choice").hidden = true;
  }
  apply(views[0]);
  return [field];
}

function theme() {
  const button = make("button", { type: "button" }, "light / dark");
  button.addEventListener("click", () => {
    const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme ?? dark) === "dark" ? "light" : "dark";
  });
  return button;
}

document.body.append(hint);
document.querySelector("header").append(theme());
for (const block of document.querySelectorAll(".table")) {
  const tools = [...choices(block), ...families(block), ...columns(block)];
  if (tools.length) block.prepend(make("div", { className: "tools" }, ...tools));
  block.querySelectorAll("table").forEach(sortable);
}

const closeMenus = except => document.querySelectorAll(".menu[open]").forEach(open => { open.open = open === except; });
document.addEventListener("click", event => closeMenus(event.target.closest(".menu")));
document.addEventListener("keydown", event => { if (event.key === "Escape") { closeMenus(null); hide(); } });
document.addEventListener("scroll", place, true);
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not(.menu):not([open])")];
  folded.forEach(details => { details.open = true; });
});
addEventListener("afterprint", () => folded.forEach(details => { details.open = false; }));
