/** The widget's entry: one view per display, taken down with it. */

import { mountWhenSurveyed } from "./panels/survey_progress";
import type { Model } from "./types";
import { mountView } from "./view/view";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  return mountWhenSurveyed(model, el, mountView);
}

export default { render };
