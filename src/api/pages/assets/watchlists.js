// Watchlists in the console: all of them, and one with its people, its search and the place to add pictures.

import { hitTable } from './answer.js';
import { call, newKey, session } from './api.js';
import { announce, badge, confirmed, field, h, note, show, whileBusy } from './dom.js';
import { enrolment } from './enrol.js';
import { paged } from './paging.js';
import { dropZone, fileFault } from './pictures.js';
import { problemNote } from './signin.js';
import { KINDS, brief, number, plain, when } from './words.js';

const PAGE = 50;
const KIND_BADGES = { block: 'bad', alert: 'doubt', allow: 'good' };

function kindBadge(kind) {
  return badge(KIND_BADGES[kind] ?? '', plain(kind));
}

// All of them.

function createForm(made) {
  const name = h('input', { type: 'text', required: true, maxlength: 200, id: 'list-name' });
  const kind = h('select', { id: 'list-kind' }, Object.entries(KINDS).map(([value, text]) => h('option', { value, selected: value === 'alert' }, text)));
  const rate = h('input', { type: 'number', min: 0.000001, max: 1, step: 'any', value: 0.01, id: 'list-rate' });
  const told = h('div', {});
  const button = h('button', { type: 'submit', class: 'main' }, 'Make the list');
  let key = newKey();
  const submit = async (event) => {
    event.preventDefault();
    const json = { name: name.value.trim(), kind: kind.value, target_fpir: Number(rate.value) };
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
    h('h2', { id: 'make' }, 'A new list'), told,
    h('div', { class: 'columns' }, field('Name', name), field('What a hit does', kind),
      field('False alarms', rate, 'Share of searches of strangers that may raise one: 0.01 is one in a hundred.')),
    h('div', {}, button)));
}

function listRow(item) {
  return h('tr', {},
    h('td', { 'data-label': 'Name' }, h('a', { class: 'open', href: `#/watchlists/${item.id}` }, item.name)),
    h('td', { 'data-label': 'Kind' }, kindBadge(item.kind)),
    h('td', { 'data-label': 'People' }, String(item.subjects)),
    h('td', { 'data-label': 'Faces' }, String(item.faces)),
    h('td', { 'data-label': 'Made' }, when(item.created_at)));
}

/** Shows all lists. */
export function watchlistList(place) {
  const list = paged({
    path: 'watchlists', size: PAGE, id: 'watchlists', row: listRow,
    columns: ['Name', 'Kind', 'People', 'Faces', 'Made'],
    empty: ['There are no lists yet'],
  });
  show(place, h('h1', {}, 'Watchlists'),
    h('section', { class: 'card stack', 'aria-label': 'Lists' }, list.nodes),
    session.has('watchlist:write') && createForm(() => list.load(true)));
  list.load(true);
}

// One of them.

function searchCard(list) {
  const told = h('div', {});
  const zone = dropZone({
    title: 'Search by a picture',
    hint: 'Choose one of one person, or drop it here.',
    picked: async ([file]) => {
      const fault = fileFault(file);
      if (fault) {
        told.replaceChildren(note('bad', fault));
        return;
      }
      const form = new FormData();
      form.set('image', file);
      told.replaceChildren(h('p', { class: 'row busy', role: 'status' }, `Searching for ${file.name}`));
      try {
        const { body } = await call('POST', `watchlists/${list.id}/search`, { form });
        told.replaceChildren(found(body, list));
        announce(`${body.hits.length} found`);
      } catch (problem) {
        told.replaceChildren(problemNote(problem));
      }
    },
  });
  return h('section', { class: 'card stack', 'aria-labelledby': 'search' }, h('h2', { id: 'search' }, 'Is somebody on it?'), zone, told);
}

function found(body, list) {
  if (!body.hits.length) return note('good', 'Nobody on the list is alike enough');
  const { threshold } = body.searched ?? body;
  return h('div', { class: 'stack' }, threshold !== undefined && h('p', { class: 'muted small' }, `A hit from ${number(threshold)} on, for a list of this size.`),
    hitTable(body.hits, new Map([[list.id, list]])));
}

function people(list) {
  const path = `watchlists/${list.id}/subjects`;
  const told = h('div', {});
  const remove = async (person, name, row) => {
    if (!await confirmed(`Take ${name} off the list?`, 'All of their faces go, too, for good.', 'Take off')) return;
    try {
      await call('DELETE', `${path}/${person.id}`);
      row.remove();
      announce(`${name} is off the list`);
    } catch (problem) {
      told.replaceChildren(problemNote(problem));
    }
  };
  const row = (person) => {
    const name = person.display_name ?? person.external_id ?? brief(person.id);
    const button = session.has('watchlist:write') && h('button', { type: 'button', class: 'plain', 'aria-label': `Take ${name} off the list` }, 'Take off');
    const cells = h('tr', {}, h('td', { 'data-label': 'Name' }, h('strong', {}, name)), h('td', { 'data-label': 'Key' }, person.external_id ?? '–'),
      h('td', { 'data-label': 'Faces' }, String(person.faces.length)), h('td', { 'data-label': 'Added' }, when(person.created_at)), h('td', { class: 'act' }, button));
    if (button) button.addEventListener('click', () => remove(person, name, cells));
    return cells;
  };
  const onIt = paged({
    path, size: PAGE, id: 'subjects', row,
    columns: ['Name', 'Key', 'Faces', 'Added', ''],
    empty: ['Nobody is on the list yet'],
  });
  const node = h('section', { class: 'card stack', 'aria-labelledby': 'people' }, h('h2', { id: 'people' }, 'Who is on it'), told, onIt.nodes);
  return { node, load: () => onIt.load(true) };
}

async function removeList(list) {
  const sure = await confirmed(`Delete “${list.name}”?`, `Its ${list.subjects} people and ${list.faces} faces go, too, for good.`, 'Delete');
  if (!sure) return;
  await call('DELETE', `watchlists/${list.id}`);
  window.location.hash = '#/watchlists';
}

/** Shows one list. */
export async function watchlistView(place, id) {
  const back = h('a', { href: '#/watchlists', class: 'button' }, '← All lists');
  place.replaceChildren(h('p', { class: 'busy row' }, 'Loading'));
  try {
    const { body: list } = await call('GET', `watchlists/${encodeURIComponent(id)}`);
    const told = h('div', {});
    const failed = (problem) => told.replaceChildren(problemNote(problem));
    const mayWrite = session.has('watchlist:write');
    const remove = mayWrite && h('button', { type: 'button', class: 'danger', onclick: () => removeList(list).catch(failed) }, 'Delete the list');
    const onIt = people(list);
    show(place, h('div', { class: 'row between' }, back, remove), h('div', { class: 'row' }, h('h1', {}, list.name), kindBadge(list.kind)), told,
      mayWrite && enrolment(list, onIt.load), searchCard(list), onIt.node);
    onIt.load();
  } catch (problem) {
    show(place, back, h('h1', {}, 'It cannot be shown'), problemNote(problem));
  }
}
