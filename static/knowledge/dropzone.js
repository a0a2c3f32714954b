// Makes the area around a real file input a place to drop files; lists what is chosen.

function show(list, files) {
  const entries = Array.from(files, (file) => {
    const entry = document.createElement("li");
    entry.textContent = file.name;
    return entry;
  });
  list.replaceChildren(...entries);
}

function enable(zone) {
  const input = zone.querySelector("input[type=file]");
  const list = zone.querySelector("[data-dropzone-files]");
  const mark = (isOver) => zone.classList.toggle("is-over", isOver);

  input.addEventListener("change", () => show(list, input.files));
  for (const type of ["dragenter", "dragover"]) {
    zone.addEventListener(type, (event) => {
      event.preventDefault();
      mark(true);
    });
  }
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) mark(false);
  });
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      show(list, input.files);
    }
  });
}

document.querySelectorAll("[data-dropzone]").forEach(enable);
