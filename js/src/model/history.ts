/** The last changes made by hand, to be taken back: what each trait held before. Shared by all views of a model. */

import type { Model, Traits } from "../types";

/** Changes beyond this are forgotten. */
const KEPT = 50;
/** Traits that are changed in many small steps, which count as one within so many milliseconds: a slider's way, a held key. */
const GLIDING: Undoable[] = ["stretch", "area_weight", "temper", "smoothing", "weights", "start", "end"];
const ONE = 500;

/** Choices that can be taken back; what is seen of the map has a reset of its own. */
export type Undoable = Exclude<keyof Traits, `_${string}` | "view" | "highlight" | "renderer" | "theme">;

interface Change {
  name: Undoable;
  before: unknown;
  at: number;
}

export interface History {
  /** To be told before a trait is set by hand. */
  note(name: Undoable, now?: number): void;
  undo(): void;
  readonly empty: boolean;
  /** Calls back when there is something to take back, or no more; returns how to stop. */
  watch(told: () => void): () => void;
}

const histories = new WeakMap<Model, History>();

export function historyOf(model: Model): History {
  const known = histories.get(model);
  if (known) return known;
  const changes: Change[] = [];
  const watchers = new Set<() => void>();
  const tell = () => watchers.forEach((told) => told());
  const history: History = {
    note(name, now = Date.now()) {
      const last = changes[changes.length - 1];
      if (last?.name === name && GLIDING.includes(name) && now - last.at < ONE) {
        last.at = now;
        return;
      }
      changes.push({ name, before: structuredClone(model.get(name)), at: now });
      if (changes.length > KEPT) changes.shift();
      tell();
    },
    undo() {
      const last = changes.pop();
      if (!last) return;
      model.set(last.name, last.before as never);
      model.save_changes();
      tell();
    },
    get empty() {
      return changes.length === 0;
    },
    watch(told) {
      watchers.add(told);
      return () => void watchers.delete(told);
    },
  };
  histories.set(model, history);
  return history;
}
