/** A stand-in for anywidget's model that records what is set, saved and sent. */

import type { Model, Traits } from "../src/types";

export interface Recorded extends Model {
  values: Partial<Traits>;
  saves: number;
  sent: unknown[];
  emit(event: string, ...args: unknown[]): void;
}

export function recordedModel(values: Partial<Traits> = {}): Recorded {
  const listeners = new Map<string, Set<(...args: never[]) => void>>();
  return {
    values,
    saves: 0,
    sent: [],
    get: (name) => values[name] as never,
    set(name, value) {
      values[name] = value;
      // as hosts do, which hand listeners the model and the value
      this.emit(`change:${name}`, this, value);
    },
    save_changes() {
      this.saves++;
    },
    on(event, callback) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event)!.add(callback);
    },
    off(event, callback) {
      listeners.get(event)?.delete(callback);
    },
    send(content) {
      this.sent.push(content);
    },
    emit(event, ...args) {
      for (const callback of listeners.get(event) ?? []) callback(...(args as never[]));
    },
  };
}
