// The crowd elements that templates have: each keeps to the attributes, the regions and the output that SageMaker's guide
// gives it ("Crowd HTML elements reference"). A key 0 to 9 chooses the category of that number, Enter submits.
"use strict";

const RETRY_MILLISECONDS = 1000;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
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
    this.categories = list(this.getAttribute("categories") ?? "[]").map(String);
    const header = this.getAttribute("header") ?? "";
    const name = `choice-${this.getAttribute("name")}`;
    this.choices = element("fieldset", { className: "crowd-choices" }, element("legend", { textContent: "Category" }));
    this.categories.forEach((category, number) => {
      const input = element("input", { type: "radio", name, value: category });
      const key = number < 10 ? [element("kbd", { textContent: String(number) }), " "] : [];
      this.choices.append(element("label", {}, input, " ", ...key, category));
    });
    const full = this.querySelector("full-instructions");
    if (full) {
      const title = full.getAttribute("header") ?? "Full instructions";
      const details = element("details", {}, element("summary", { textContent: title }));
      full.replaceWith(details);
      details.append(full);
    }
    this.prepend(element("h2", { className: "crowd-header", textContent: header }), this.target(), this.choices);
  }

  get value() {
    const chosen = this.choices.querySelector("input:checked");
    return chosen && { label: chosen.value };
  }

  choose(number) {
    const input = this.choices.querySelectorAll("input")[number];
    if (input) {
      input.checked = true;
      input.focus();
    }
  }
}

class ImageClassifier extends Classifier {
  target() {
    const image = element("img", { src: this.getAttribute("src") ?? "", alt: "The image to label" });
    image.addEventListener("error", () => say("The image can't be shown: it may be no photo. Label it all the same, or ask who made the job."));
    return element("div", { className: "crowd-target" }, image);
  }
}

class TextClassifier extends Classifier {
  target() {
    return element("div", { className: "crowd-target" }, this.querySelector("classification-target") ?? "");
  }
}

class CrowdButton extends HTMLElement {
  connectedCallback() {
    if (this.querySelector("button")) return;
    const button = element("button", { type: "button" }, ...this.childNodes);
    this.append(button);
    if (this.getAttribute("form-action") !== "reset") button.addEventListener("click", () => this.closest("crowd-form").submit());
  }
}

class Form extends HTMLElement {
  connectedCallback() {
    if (!this.querySelector("crowd-button[form-action=submit]")) {
      const button = element("crowd-button", { textContent: "Submit" });
      button.setAttribute("form-action", "submit");
      this.append(button);
    }
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("textarea, input[type=text]")) return;
    if (/^[0-9]$/.test(event.key)) this.querySelector("crowd-image-classifier, crowd-classifier")?.choose(Number(event.key));
    else if (event.key === "Enter" && !event.repeat && event.target.localName !== "button" && event.target.localName !== "a") this.submit();
  }

  // What the form says: an object of each element's name and what it has.
  answers() {
    const found = {};
    for (const each of this.querySelectorAll("crowd-image-classifier, crowd-classifier")) {
      if (each.value === null) return null;
      found[each.getAttribute("name")] = each.value;
    }
    for (const each of this.querySelectorAll("input[name], select[name], textarea[name]")) {
      if (each.closest(".crowd-choices")) continue;
      if (each.type === "checkbox") found[each.name] = { on: each.checked };
      else if (each.type !== "radio" || each.checked) found[each.name] = each.value;
    }
    return found;
  }

  async submit() {
    if (this.sending) return;
    const answers = this.answers();
    if (answers === null || Object.keys(answers).length === 0) return say("Choose a category first.");
    this.sending = true;
    const url = document.querySelector("meta[name=answer]").content;
    const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answers) };
    for (;;) {
      let answer;
      try {
        answer = await fetch(url, request);
      } catch {
        answer = null;
      }
      if (answer?.ok) return location.replace((await answer.json()).next);
      if (answer && answer.status < 500) {
        this.sending = false;
        return say((await answer.json()).message);
      }
      say("The connection is lost: your answer is kept here and sent again.");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
  }
}

function say(text) {
  document.getElementById("message").textContent = text;
}

customElements.define("crowd-image-classifier", ImageClassifier);
customElements.define("crowd-classifier", TextClassifier);
customElements.define("crowd-button", CrowdButton);
customElements.define("crowd-form", Form);
