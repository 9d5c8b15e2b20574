// The rules of a watchlist: making a list with them, and changing them later.

import { call, newKey, session } from './api.js';
import { field, h, note, whileBusy } from './dom.js';
import { problemNote } from './signin.js';
import { DUPLICATES, KINDS } from './words.js';

const NEW = { name: '', kind: 'alert', target_fpir: 0.01, on_duplicate: 'report', keep_images: false };

function choices(id, texts, chosen) {
  return h('select', { id }, Object.entries(texts).map(([value, text]) => h('option', { value, selected: value === chosen }, text)));
}

/** The fields, filled with a list's rules, and what stands in them. */
function rules(list) {
  const name = h('input', { type: 'text', required: true, maxlength: 200, value: list.name, id: 'list-name' });
  const kind = choices('list-kind', KINDS, list.kind);
  const rate = h('input', { type: 'number', min: 0.000001, max: 1, step: 'any', required: true, value: list.target_fpir, id: 'list-rate' });
  const twin = choices('list-duplicate', DUPLICATES, list.on_duplicate);
  const keep = choices('list-keep', { false: 'Do not keep them', true: 'Keep them, encrypted' }, String(list.keep_images));
  const node = h('div', { class: 'columns' }, field('Name', name), field('What a hit does', kind),
    field('False alarms', rate, 'Share of searches of strangers that may raise one: 0.01 is one in a hundred.'),
    field('Somebody who is on it already', twin),
    field('Pictures of its people', keep, 'They are needed to move the list to another embedder. Taking that back deletes them.'));
  const values = () => ({
    name: name.value.trim(), kind: kind.value, target_fpir: Number(rate.value), on_duplicate: twin.value, keep_images: keep.value === 'true',
  });
  return { node, values };
}

/** The form for a new list. */
export function createForm(made) {
  const fields = rules(NEW);
  const told = h('div', {});
  const button = h('button', { type: 'submit', class: 'main' }, 'Make the list');
  let key = newKey();
  const submit = async (event) => {
    event.preventDefault();
    const json = fields.values();
    try {
      await whileBusy(button, 'Making it', () => call('POST', 'watchlists', { json, key }));
      told.replaceChildren(note('good', `“${json.name}” is made`));
      event.target.reset();
      made();
    } catch (problem) {
      told.replaceChildren(problemNote(problem));
    }
    key = newKey();
  };
  return h('section', { class: 'card', 'aria-labelledby': 'make' }, h('form', { class: 'stack', onsubmit: submit },
    h('h2', { id: 'make' }, 'A new list'), told, fields.node, h('div', {}, button)));
}

/** The form that changes a list; what is not changed is not sent. Nothing without the right to. */
export function changeForm(list, changed) {
  if (!session.has('watchlist:write')) return null;
  const fields = rules(list);
  const told = h('div', {});
  const button = h('button', { type: 'submit', class: 'main', id: 'change-list' }, 'Keep the changes');
  const submit = async (event) => {
    event.preventDefault();
    const json = Object.fromEntries(Object.entries(fields.values()).filter(([name, value]) => value !== list[name]));
    try {
      const { body } = await whileBusy(button, 'Keeping them', () => call('PATCH', `watchlists/${list.id}`, { json }));
      changed(body);
    } catch (problem) {
      told.replaceChildren(problemNote(problem));
    }
  };
  return h('details', { class: 'card', id: 'list-rules' }, h('summary', {}, 'Change the list'),
    h('form', { class: 'stack', onsubmit: submit }, told, fields.node, h('div', {}, button)));
}
