// Making elements. Texts become text nodes and nothing else, so no data can become markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name.replace(/^on/, ''), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An element with attributes, listeners (`onclick`) and children. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

/** Tells a screen reader what has changed elsewhere on the page. */
export function announce(text) {
  byId('status').textContent = text;
}

/** Puts something in place of what was there, and the focus on its heading. */
export function show(place, ...nodes) {
  place.replaceChildren(...nodes.flat().filter(Boolean));
  focusHeading(place);
}

export function focusHeading(place) {
  const heading = place.querySelector('h1, h2');
  if (!heading) return;
  heading.setAttribute('tabindex', '-1');
  heading.focus({ preventScroll: true });
  const top = heading.getBoundingClientRect().top;
  if (top < 70 || top > window.innerHeight * 0.6) {
    window.scrollBy({ top: top - 90, behavior: isCalm() ? 'auto' : 'smooth' });
  }
}

function isCalm() {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** A table with its heads; `caption` comes before them. */
export function table(columns, rows, attributes = {}, caption = null) {
  return h('table', attributes, caption && h('caption', {}, caption),
    h('thead', {}, h('tr', {}, columns.map((text) => h('th', { scope: 'col' }, text)))), rows);
}

export function badge(kind, text) {
  return h('span', { class: `badge ${kind}` }, text);
}

/** A message; a bad one interrupts a screen reader. */
export function note(kind, title, ...rest) {
  const lines = rest.flat().filter(Boolean).map((line) => (typeof line === 'string' ? h('p', {}, line) : line));
  return h('div', { class: `note ${kind}`, role: kind === 'bad' ? 'alert' : 'note' },
    h('div', {}, h('strong', {}, title), lines));
}

let fields = 0;

/** A labelled input; `control` gets the id that the label points to. */
export function field(label, control, hint) {
  fields += 1;
  control.id ||= `field-${fields}`;
  const told = hint && h('span', { class: 'small muted', id: `${control.id}-hint` }, hint);
  if (told) control.setAttribute('aria-describedby', told.id);
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, told);
}

/** Keeps a button from being pressed twice while its work is done. */
export async function whileBusy(button, text, work) {
  const before = button.dataset.idle ?? button.textContent;
  button.dataset.idle = before;
  button.disabled = true;
  button.classList.add('busy');
  button.textContent = text;
  announce(text);
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.classList.remove('busy');
    button.textContent = before;
    delete button.dataset.idle;
  }
}

/** Asks before something is done that cannot be undone. */
export function confirmed(title, text, action) {
  return new Promise((resolve) => {
    const done = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const dialog = h('dialog', { 'aria-labelledby': 'dialog-title', oncancel: () => done(false) },
      h('div', { class: 'stack' },
        h('h2', { id: 'dialog-title' }, title),
        h('p', {}, text),
        h('div', { class: 'row' },
          h('button', { type: 'button', class: 'danger', onclick: () => done(true) }, action),
          h('button', { type: 'button', autofocus: true, onclick: () => done(false) }, 'Cancel'))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
