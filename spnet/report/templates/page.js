// Columns sort on a click: numbers from the highest, a second click turns round, a third brings the first order back.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const body = table.tBodies[0];
  const written = [...body.rows];
  if (written.length < 2) continue;
  const valueOf = (row, column, number) => {
    const cell = row.cells[column];
    if (!number) return cell.textContent.trim();
    return parseFloat(cell.dataset.value ?? cell.textContent.replaceAll(",", ""));
  };
  heads.forEach((head, column) => {
    const number = head.classList.contains("number");
    const orders = number ? ["descending", "ascending"] : ["ascending", "descending"];
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = orders[orders.indexOf(head.getAttribute("aria-sort")) + 1];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (!next) return body.append(...written);
      head.setAttribute("aria-sort", next);
      const sign = next === "ascending" ? 1 : -1;
      body.append(...[...written].sort((one, other) => {
        const [a, b] = [one, other].map((row) => valueOf(row, column, number));
        if (!number) return sign * a.localeCompare(b);
        return Number.isNaN(a) - Number.isNaN(b) || sign * (a - b) || 0;
      }));
    });
  });
}

// Figures enlarge on a click, and a click or Escape closes them again.
const enlarged = document.createElement("dialog");
const picture = document.createElement("img");
enlarged.append(picture);
document.body.append(enlarged);
enlarged.addEventListener("click", () => enlarged.close());
for (const small of document.querySelectorAll("figure img")) {
  const open = () => {
    picture.src = small.src;
    picture.alt = small.alt;
    enlarged.showModal();
  };
  small.tabIndex = 0;
  small.title = "Click to enlarge";
  small.addEventListener("click", open);
  small.addEventListener("keydown", (event) => event.key === "Enter" && open());
}
