/** The entry of an exported page: reads the state that stands in the page, and draws it without any kernel. */

import { createOfflineModel, type Packed } from "./model/offline";
import { mountView } from "./view/view";

const state = document.getElementById("lw-state")!.textContent!;
mountView(createOfflineModel(JSON.parse(state) as Packed), document.getElementById("lw-map")!);
