
// A box above the contents that hides the table rows in which, with their headings, the words do
// not stand.
// Made here, so that a page whose scripts are switched off shows all rows and no dead box.
(() => {
  const rows = [...document.querySelectorAll("tbody tr:not(.group)")].map((row) => ({
    row,
    words: [
      row.closest("table").caption, row.closest("table").tHead,
      row.parentNode.querySelector(".group"), row,
    ].map((part) => (part ? part.textContent : "")).join(" ").toLowerCase(),
  }));
  if (rows.length < 6) return;
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = "Filter the tables";
  box.setAttribute("aria-label", "Filter the rows of all tables");
  const told = document.createElement("output");
  document.querySelector("nav").prepend(box, told);
  const hideEmpty = (part) => { part.hidden = !part.querySelector("tbody tr:not(.group):not([hidden])"); };
  box.addEventListener("input", () => {
    const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { row, words } of rows) row.hidden = !wanted.every((word) => words.includes(word));
    for (const part of document.querySelectorAll("tbody")) {
      part.hidden = !part.querySelector("tr:not(.group):not([hidden])");
    }
    document.querySelectorAll(".table").forEach(hideEmpty);
    const left = rows.filter(({ row }) => !row.hidden).length;
    told.textContent = wanted.length ? `${left} of ${rows.length} rows` : "";
  });
})();
