// The whole lab: each panel comes again when something of it has changed, and is changed where it differs only, so that
// focus, what is unfolded and where one has scrolled stay.
import { Idiomorph } from "./modules/idiomorph.js";
import { listen, tick } from "./page.js";

listen(document.querySelector("[data-events]").dataset.events, "panel", ({ name, html }) => {
  const panel = document.getElementById(name);
  Idiomorph.morph(panel, html, {
    morphStyle: "innerHTML",
    callbacks: {
      beforeAttributeUpdated: (attribute, node) => !(attribute === "open" && node.tagName === "DETAILS"),
    },
  });
  tick();
});
