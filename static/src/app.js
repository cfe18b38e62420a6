// What every page needs beyond htmx. A page works without it; it only adds comfort.
import "./js/theme.js";
import "./js/moments.js";
import "./js/keys.js";
import "./js/outline.js";
import "./js/chosen.js";
import "./js/drag.js";
import "./js/palette.js";
import "./js/terminals.js";
import "./js/morph.js";
import "./js/tabs.js";
import "./js/live.js";
import "./js/said.js";
import "./js/editors.js";
import "./js/rows.js";
import "./js/studio.js";
import "./js/uploads.js";
