// What is not stored yet: kept in this browser, sent in its order, forgotten when the server says that it is stored.
// A tab that is closed in between leaves it to the next one; two tabs take turns.

const WAITS = [500, 1000, 2000, 5000]; // ms before the next try
const AT_A_TIME = 25;

export class Unsent {
  /** `name` says whose answers these are; `heard` is told {document} of each answer, or {problem} of each failure. */
  constructor(name, send, heard) {
    this.prefix = `unsent ${name} `;
    this.send = send;
    this.heard = heard;
    this.failures = 0;
    this.timer = undefined;
    addEventListener("online", () => this.flush());
  }

  get waiting() {
    return this.keys().length;
  }

  /** Keep an event, and send it soon. */
  add(event) {
    const id = crypto.randomUUID();
    const newest = Number(this.keys().at(-1)?.slice(this.prefix.length).split(" ")[0] ?? 0); // a clock may be set back
    const moment = String(Math.max(Date.now(), newest)).padStart(15, "0");
    localStorage.setItem(`${this.prefix}${moment} ${nextNumber()} ${id}`, JSON.stringify({ id, ...event }));
    this.flush();
  }

  /** What the server does not know yet, in its order. */
  events() {
    return this.keys().map(read).filter(Boolean);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.flushing) return this.flushing;
    this.flushing = navigator.locks.request(this.prefix, () => this.sendAll()).finally(() => {
      this.flushing = undefined;
      if (this.waiting && this.timer === undefined) this.flush(); // added when all others had been sent
    });
    return this.flushing;
  }

  async sendAll() {
    for (let keys = this.keys(); keys.length; keys = this.keys()) {
      const events = keys.slice(0, AT_A_TIME).map(read).filter(Boolean);
      let document;
      try {
        document = await this.send(events);
      } catch (problem) {
        this.timer = setTimeout(() => this.flush(), WAITS[Math.min(this.failures++, WAITS.length - 1)]);
        this.heard({ problem });
        return;
      }
      this.failures = 0;
      const over = new Set([...document.stored, ...Object.keys(document.refused)]);
      for (const key of keys) if (over.has(key.slice(key.lastIndexOf(" ") + 1))) localStorage.removeItem(key);
      this.heard({ document });
      if (!over.size) {
        this.timer = setTimeout(() => this.flush(), WAITS[0]);
        return;
      }
    }
  }

  keys() {
    return Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).sort();
  }
}

let number = 0;

function nextNumber() {
  return String(number++).padStart(9, "0"); // several in a millisecond stay in their order
}

function read(key) {
  return JSON.parse(localStorage.getItem(key) ?? "null");
}
