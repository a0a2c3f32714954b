// Proposes the workspace's address from the business name until someone types their own.
const name = document.getElementById("id_name");
const slug = document.getElementById("id_slug");
let isOwn = slug.value !== "";

const proposal = (text) => text
  .normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/ß/g, "ss")
  .toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, 40);

slug.addEventListener("input", (event) => { if (event.isTrusted) isOwn = slug.value !== ""; });
name.addEventListener("input", () => {
  if (isOwn) return;
  slug.value = proposal(name.value);
  slug.dispatchEvent(new Event("input", { bubbles: true }));
});
