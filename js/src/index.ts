/** The widget's entry: one view per display, taken down with it. */

import type { Model } from "./types";
import { mountView } from "./view";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  return mountView(model, el);
}

export default { render };
