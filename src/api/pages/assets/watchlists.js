// Watchlists in the console: all of them, and one with its people, its search and the place to add pictures.

import { hitTable } from './answer.js';
import { call, session } from './api.js';
import { announce, badge, confirmed, h, note, show } from './dom.js';
import { enrolment } from './enrol.js';
import { changeForm, createForm } from './listform.js';
import { paged } from './paging.js';
import { people } from './people.js';
import { dropZone, fileFault } from './pictures.js';
import { problemNote } from './signin.js';
import { number, plain, when } from './words.js';

const PAGE = 50;
const KIND_BADGES = { block: 'bad', alert: 'doubt', allow: 'good' };

function kindBadge(kind) {
  return badge(KIND_BADGES[kind] ?? '', plain(kind));
}

// All of them.

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

async function removeList(list) {
  const sure = await confirmed(`Delete “${list.name}”?`, `Its ${list.subjects} people and ${list.faces} faces go, too, for good.`, 'Delete');
  if (!sure) return;
  await call('DELETE', `watchlists/${list.id}`);
  window.location.hash = '#/watchlists';
}

function draw(place, list, message) {
  const told = h('div', {}, message);
  const failed = (problem) => told.replaceChildren(problemNote(problem));
  const mayWrite = session.has('watchlist:write');
  const remove = mayWrite && h('button', { type: 'button', class: 'danger', id: 'delete-list', onclick: () => removeList(list).catch(failed) }, 'Delete the list');
  const onIt = people(list);
  const changed = (anew) => draw(place, anew, note('good', 'The list is changed', 'Searches follow its new rules from now on.'));
  show(place, h('div', { class: 'row between' }, back(), remove), h('div', { class: 'row' }, h('h1', {}, list.name), kindBadge(list.kind)), told,
    changeForm(list, changed), mayWrite && enrolment(list, onIt.load), searchCard(list), onIt.node);
  onIt.load();
}

function back() {
  return h('a', { href: '#/watchlists', class: 'button' }, '← All lists');
}

/** Shows one list. */
export async function watchlistView(place, id) {
  place.replaceChildren(h('p', { class: 'busy row' }, 'Loading'));
  try {
    const { body } = await call('GET', `watchlists/${encodeURIComponent(id)}`);
    draw(place, body);
  } catch (problem) {
    show(place, back(), h('h1', {}, 'It cannot be shown'), problemNote(problem));
  }
}
