/** The figure as PDF: the kernel writes it, in vectors, as `LatentWidget.save` does. */

import { requestFigure, type Print } from "../model/figure_requests";
import type { Model, Traits } from "../types";
import { download, FILE_NAME } from "./figure_svg";

/** Asks the kernel for the figure and hands it to the browser as a download; `say` is told that it is being written. */
export async function savePdf(
  model: Model,
  print: Print,
  say: (message?: string, state?: Traits["_status"]["state"]) => void,
): Promise<void> {
  say("The figure is being written", "busy");
  // what a slider still keeps back is to be in it
  model.save_changes();
  const bytes = await requestFigure(model, "pdf", print);
  say();
  download(new Blob([bytes], { type: "application/pdf" }), `${FILE_NAME}.pdf`);
}
