// Tables that are sorted by the heading that is clicked.

for (const table of document.querySelectorAll("table.sortable")) {
  sortable(table);
}

function sortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(table, column));
    head.replaceChildren(button);
  });
}

/** Sort by a column, lowest first; a second time, highest first. */
function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const down = heads[column].getAttribute("aria-sort") === "ascending";
  for (const head of heads) head.removeAttribute("aria-sort");
  heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].sort(
    (one, other) => compared(one, other, column) * (down ? -1 : 1),
  );
  // What is unknown stays last.
  const known = (row) => row.cells[column].dataset.value !== "";
  body.append(...rows.filter(known), ...rows.filter((row) => !known(row)));
}

function compared(one, other, column) {
  const [a, b] = [one, other].map((row) => row.cells[column].dataset.value);
  const numbers = column > 0 && a !== "" && b !== "";
  return numbers ? Number(a) - Number(b) : a.localeCompare(b);
}
