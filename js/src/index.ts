/** The widget's entry: one view per display, taken down with it. */

import { mountAfterSurvey } from "./panels/survey_progress";
import type { Model } from "./types";
import { mountView } from "./view/view";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  return mountAfterSurvey(model, el, mountView);
}

export default { render };
