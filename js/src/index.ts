/**
 * The entry of the widget's bundle, as anywidget asks for it: `render` mounts a view in the element that it is given,
 * and returns how to take it down. Until a survey is done, the view shows its progress.
 */

import { mountAfterSurvey } from "./panels/survey_progress";
import type { Model } from "./types";
import { mountView } from "./view/view";

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  return mountAfterSurvey(model, el, mountView);
}

export default { render };
