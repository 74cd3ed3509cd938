"use strict";
// Titles become buttons that sort; each block of rows is sorted on its own, so that references and
// published rows stay apart. Cells without a number go last in both directions.
document.documentElement.classList.add("sortable");
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.querySelectorAll("tr.leaves > th")];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const first = table.classList.contains("prose") || column === 0 ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = before === first ? other : first;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      for (const body of table.tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains("block"));
        const keys = new Map(rows.map((row) => [row, key(row.cells[column])]));
        rows.sort((a, b) => compare(keys.get(a), keys.get(b), sign));
        body.append(...rows);
      }
    });
  });
}
function key(cell) {
  const text = cell.textContent.trim();
  const sort = cell.dataset.sort;
  return { number: sort ? Number(sort) : NaN, text };
}
function compare(a, b, sign) {
  const counts = [a, b].map((each) => !Number.isNaN(each.number));
  if (counts[0] && counts[1] && a.number !== b.number) return sign * (a.number - b.number);
  if (counts[0] !== counts[1]) return counts[0] ? -1 : 1;
  return sign * a.text.localeCompare(b.text, undefined, { numeric: true });
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
