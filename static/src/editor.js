// CodeMirror over a textarea: SQL with the names of the object's tables, JSON, and text files. Loaded by js/editors.js.
//
// It lives in a shadow root, because there CodeMirror styles itself with a constructed style sheet, which the content
// security policy allows; in the document it would write a <style> element.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { css } from "@codemirror/lang-css";
import { html } from "@codemirror/lang-html";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { markdown } from "@codemirror/lang-markdown";
import { python } from "@codemirror/lang-python";
import { SQLite, sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const SHORT = 8; // rows: below that, numbers of lines are more noise than help

const LANGUAGES = {
  json: () => json(),
  css: () => css(),
  html: () => html(),
  js: () => javascript(),
  md: () => markdown(),
  py: () => python(),
  text: () => [],
};

// Colours come from the page's tokens, so that both themes hold here too.
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--link)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--accent)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: [tags.comment, tags.meta], color: "var(--dim)" },
  { tag: [tags.propertyName, tags.typeName, tags.heading], color: "var(--link)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--deep)", borderRadius: "6px", border: "1px solid var(--input-edge)" },
  "&:has([aria-invalid])": { borderColor: "var(--bad)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "13px", lineHeight: "1.55", maxHeight: "60vh" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--deep)", color: "var(--dim)", border: "none" },
  ".cm-activeLine": { backgroundColor: "var(--hover)" },
  "&:not(.cm-focused) .cm-activeLine": { backgroundColor: "transparent" },
  ".cm-placeholder": { color: "var(--dim)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--chosen) !important" },
  ".cm-tooltip": { backgroundColor: "var(--card)", border: "1px solid var(--edge)", color: "var(--text)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-ink)" },
});

// Where typing replaces a selection, Chromium's own editing would put style attributes into the text, which the policy
// refuses and reports: it is done without the browser.
const typed = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    if (event.inputType !== "insertText" || event.data === null || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch({ ...view.state.replaceSelection(event.data), userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

function languageOf(area) {
  if (area.dataset.editor !== "sql") return (LANGUAGES[area.dataset.editor] ?? LANGUAGES.text)();
  return sql({ dialect: SQLite, schema: JSON.parse(area.dataset.schema || "{}"), upperCaseKeywords: false });
}

export function openEditor(area) {
  const host = document.createElement("div");
  host.className = "code-editor";
  host.setAttribute("data-keep", "");
  area.after(host);
  const root = host.attachShadow({ mode: "open" });
  const label = area.labels?.[0]?.textContent.trim() || "Editor";
  const said = (area.getAttribute("aria-describedby") ?? "").split(" ").map((id) => id && document.getElementById(id)?.textContent.trim());
  const send = () => {
    const run = area.form?.querySelector("[data-run]");
    if (run) run.click();
    else area.form?.requestSubmit();
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        keymap.of([{ key: "Mod-Enter", run: send }]),
        typed,
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }), // its icons are characters that few fonts have
        highlightActiveLine(),
        area.dataset.editor === "sql" || area.rows < SHORT ? [] : lineNumbers(),
        syntaxHighlighting(colours),
        look,
        languageOf(area),
        placeholder(area.placeholder),
        EditorView.lineWrapping,
        EditorState.readOnly.of(area.readOnly),
        EditorView.theme({ ".cm-content": { minHeight: `${area.rows * 1.55}em` } }),
        EditorView.contentAttributes.of({
          "aria-label": label,
          ...(said.some(Boolean) ? { "aria-description": said.filter(Boolean).join(". ") } : {}),
          ...(area.ariaInvalid === "true" ? { "aria-invalid": "true" } : {}),
          spellcheck: "false",
          autocapitalize: "none",
        }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = view.state.doc.toString();
          area.dispatchEvent(new Event("input", { bubbles: true }));
        }),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
      ],
    }),
  });
  const isAt = document.activeElement === area;
  area.hidden = true;
  if (isAt) view.focus();
  for (const each of [...(area.labels ?? [])]) {
    each.addEventListener("click", () => view.focus());
    each.removeAttribute("for"); // it names the editor now
  }
  area.required = false; // a hidden field cannot say that it is empty; the server does
  area.editor = view;
  return view;
}
