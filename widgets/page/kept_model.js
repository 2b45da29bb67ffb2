// What anywidget asks of a model, over the state that a page without a kernel keeps.
class KeptModel {
  constructor(state) {
    this.state = state;
    this.listeners = new Map();
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    const values = typeof name === "object" ? name : { [name]: value };
    const changed = Object.keys(values).filter((key) => this.state[key] !== values[key]);
    Object.assign(this.state, values);
    for (const event of [...changed.map((key) => `change:${key}`), ...(changed.length ? ["change"] : [])]) {
      for (const listener of [...(this.listeners.get(event) ?? [])]) listener();
    }
  }

  on(event, listener) {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event).add(listener);
  }

  off(event, listener) {
    this.listeners.get(event)?.delete(listener);
  }

  save_changes() {}

  send() {}
}
