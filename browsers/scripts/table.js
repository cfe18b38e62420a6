// Gives a table as [columns, rows]; null where there is none.
(element) => {
  const table = element.matches("table") ? element : element.querySelector("table") || element.closest("table");
  if (!table) return null;
  const cells = (row) => [...row.cells].map((each) => each.innerText.trim());
  const rows = [...table.rows];
  const headed = rows.length && [...rows[0].cells].every((each) => each.tagName === "TH");
  const columns = headed ? cells(rows.shift()) : [...Array(Math.max(0, ...rows.map((row) => row.cells.length)))]
    .map((_, at) => String(at + 1));
  const names = columns.map((each, at) => each || String(at + 1));
  const all = rows.slice(0, 10000).map(cells);
  return [names, all.map((row) => names.map((_, at) => row[at] || ""))];
}
