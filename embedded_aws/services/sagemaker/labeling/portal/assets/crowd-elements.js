// The crowd elements that templates have: each keeps to the attributes, the regions and the output that SageMaker's guide
// gives it ("Crowd HTML elements reference"). What is to be labelled is shown as the page's photo, categories are the
// page's choices: the ten first have a key. A form tells with a `submit` event that somebody submits it.

import { $, say, show } from "./page.js";

const KEYS = "0123456789";

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function key(textContent) {
  return element("kbd", { textContent, ariaHidden: "true" }); // aria-keyshortcuts tells it to readers
}

// Templates give categories as JSON, some of them with single quotes, as the guide's own examples do.
function list(text) {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replaceAll('"', '\\"').replaceAll("'", '"'));
  }
}

class Classifier extends HTMLElement {
  connectedCallback() {
    if (this.choices) return;
    const header = element("legend", { textContent: this.getAttribute("header") || "Category" });
    this.choices = element("fieldset", { className: "choices" }, header, ...this.categories().map(this.choice, this));
    const full = this.querySelector("full-instructions");
    if (full) {
      const details = element("details", {}, element("summary", { textContent: full.getAttribute("header") ?? "Full instructions" }));
      full.replaceWith(details);
      details.append(full);
    }
    this.prepend(this.choices);
    const target = this.target();
    if ($("photo").childElementCount) this.prepend(target); // there is one page, and another element has its photo
    else show(target);
  }

  categories() {
    return list(this.getAttribute("categories") ?? "[]").map(String);
  }

  choice(category, number) {
    const input = element("input", { type: "radio", className: "hidden", name: `choice-${this.getAttribute("name")}`, value: category });
    const label = element("label", { className: "choice" }, input, element("span", { textContent: category }));
    const isFirst = document.querySelector("crowd-image-classifier, crowd-classifier") === this;
    if (isFirst && number < KEYS.length) {
      input.setAttribute("aria-keyshortcuts", KEYS[number]);
      label.append(key(KEYS[number]));
    }
    return label;
  }

  get value() {
    const chosen = this.choices.querySelector("input:checked");
    return chosen && { label: chosen.value };
  }
}

class ImageClassifier extends Classifier {
  target() {
    const image = element("img", { src: this.getAttribute("src") ?? "", alt: "The image to label" });
    image.addEventListener("error", () => {
      say("The image can't be shown: it may be no photo. Label it all the same, skip it, or ask who made the job.");
      addEventListener("online", () => (image.src = image.src), { once: true });
    });
    return image;
  }
}

class TextClassifier extends Classifier {
  target() {
    const target = this.querySelector("classification-target") ?? element("classification-target");
    target.tabIndex = 0;
    return target;
  }
}

class CrowdButton extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const submits = this.getAttribute("form-action") !== "reset";
    const button = element("button", { type: "button", className: submits ? "button main" : "button" }, ...this.childNodes);
    this.append(button);
    if (!submits) return;
    button.setAttribute("aria-keyshortcuts", "Enter");
    button.addEventListener("click", () => this.closest("crowd-form").dispatchEvent(new Event("submit", { bubbles: true })));
  }
}

class Form extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("crowd-button[form-action=submit]")) return;
    const button = element("crowd-button", {}, "Submit ", key("Enter"));
    button.setAttribute("form-action", "submit");
    this.append(button);
  }

  /** What the form says: an object of each element's name and what it has; null if a category is to be chosen first. */
  answers() {
    const found = {};
    for (const each of this.querySelectorAll("crowd-image-classifier, crowd-classifier")) {
      if (each.value === null) return null;
      found[each.getAttribute("name")] = each.value;
    }
    for (const each of this.querySelectorAll("input[name], select[name], textarea[name]")) {
      if (each.closest(".choices")) continue;
      if (each.type === "checkbox") found[each.name] = { on: each.checked };
      else if (each.type !== "radio" || each.checked) found[each.name] = each.value;
    }
    return Object.keys(found).length ? found : null;
  }
}

customElements.define("crowd-image-classifier", ImageClassifier);
customElements.define("crowd-classifier", TextClassifier);
customElements.define("crowd-button", CrowdButton);
customElements.define("crowd-form", Form);
