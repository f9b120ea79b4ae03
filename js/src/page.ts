/** The entry of an exported page: reads the state that stands in the page, and draws it without any kernel. */

import { createOfflineModel } from "./model/offline";
import { mountView } from "./view/view";

const state = document.getElementById("lw-state")!.textContent!;
mountView(createOfflineModel(JSON.parse(state)), document.getElementById("lw-map")!);
